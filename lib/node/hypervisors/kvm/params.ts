// The hypervisor parameters of kvm as this driver supports them. Every parameter of Ganeti is either supported, used elsewhere, or
// unsupported; of an unsupported one only the default is accepted, so that no setting is ignored silently.
import { MerapiError } from '../../../base/errors.ts';
import { kvm } from '../../../model/hvparams/kvm.ts';
import { kvmWords } from '../../../model/hvparams/kvm-forms.ts';
import type { InstanceTarget } from '../../../rpc/types.ts';

type Value = string | number | boolean | null;

/** The parameters that determine how a guest is started. */
const supported = [
  'acpi',
  'boot_order',
  'cdrom2_image_path',
  'cdrom_disk_type',
  'cdrom_image_path',
  'cpu_cores',
  'cpu_sockets',
  'cpu_threads',
  'cpu_type',
  'disk_aio',
  'disk_cache',
  'disk_discard',
  'disk_type',
  'floppy_image_path',
  'initrd_path',
  'kernel_args',
  'kernel_path',
  'keymap',
  'kvm_extra',
  'kvm_flag',
  'kvm_path',
  'machine_version',
  'mem_path',
  'nic_type',
  'reboot_behavior',
  'root_path',
  'scsi_controller_type',
  'serial_console',
  'serial_speed',
  'soundhw',
  'usb_devices',
  'usb_mouse',
  'use_localtime',
  'vga',
  'vhost_net',
  'vnc_bind_address',
  'vnc_password_file',
  'vnet_hdr',
] as const;

export type SupportedParam = (typeof supported)[number];

/** The parameters that do not affect the start of a guest, with what uses them instead. */
const usedElsewhere: Readonly<Record<string, string>> = {
  migration_bandwidth: 'a migration',
  migration_caps: 'a migration',
  migration_downtime: 'a migration',
  migration_mode: 'a migration',
  migration_port: 'a migration',
  use_guest_agent: 'nothing: every guest has the channel of the guest agent',
  user_shutdown: 'the master, which reads the fact by_user',
};

/** The parameters that would affect a guest but are not supported; only their defaults are accepted. */
export const unsupported: readonly string[] = Object.keys(kvm.kinds).filter(
  (name) => !(supported as readonly string[]).includes(name) && !(name in usedElsewhere),
);

/** Typed access to the supported parameters of an instance. A parameter without a value is '', false or 0. */
export interface KvmParams {
  text(name: SupportedParam): string;
  flag(name: SupportedParam): boolean;
  number(name: SupportedParam): number;
}

/**
 * The parameters of an instance; the defaults of kvm fill in for missing ones.
 * @throws MerapiError hypervisor naming each unsupported parameter that does not have its default
 */
export function readParams(instance: Pick<InstanceTarget, 'hvparams'>): KvmParams {
  const values = { ...kvm.defaults, ...instance.hvparams } as Record<string, Value>;
  const wrong = unsupported.filter((name) => values[name] !== (kvm.defaults as Record<string, Value>)[name]);
  if (wrong.length > 0) {
    const list = wrong.map((name) => `${name} (only ${JSON.stringify(kvm.defaults[name])} is)`).join(', ');
    throw new MerapiError('hypervisor', `Values of these kvm parameters are not supported: ${list}`);
  }
  return {
    text: (name) => String(values[name] ?? ''),
    flag: (name) => values[name] === true,
    number: (name) => Number(values[name] ?? 0),
  };
}

/** The value of a parameter that has a fixed set of values. @throws MerapiError hypervisor when it has another value */
export function wordOf<K extends keyof typeof kvmWords & SupportedParam>(
  params: KvmParams,
  name: K,
): (typeof kvmWords)[K][number] {
  const value = params.text(name);
  const allowed: readonly string[] = kvmWords[name];
  if (allowed.includes(value)) return value as (typeof kvmWords)[K][number];
  const list = allowed.filter((item) => item !== '').join(', ');
  throw new MerapiError(
    'hypervisor',
    `The kvm parameter ${name} cannot be ${JSON.stringify(value)}; one of these can: ${list}`,
  );
}

/**
 * Splits the parameter kvm_extra into arguments, with quotes and backslashes as in a shell, but without any expansion.
 * @throws MerapiError hypervisor when a quote is not closed
 */
export function shellWords(text: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string;
    if (char === "'" || char === '"') {
      const end = closingQuote(text, at);
      const inner = text.slice(at + 1, end);
      word = (word ?? '') + (char === '"' ? inner.replace(/\\(["\\$`])/g, '$1') : inner);
      at = end;
    } else if (char === '\\' && at + 1 < text.length) {
      at += 1;
      word = (word ?? '') + text[at];
    } else if (/\s/.test(char)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? '') + char;
  }
  if (word !== null) words.push(word);
  return words;
}

/** The position of the quote that closes the one at `start`. */
function closingQuote(text: string, start: number): number {
  const quote = text[start];
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\' && quote === '"') at += 1;
    else if (text[at] === quote) return at;
  }
  throw new MerapiError('hypervisor', `The kvm parameter kvm_extra has a quote that is not closed: ${text}`);
}
