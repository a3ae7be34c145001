// Checks before a job changes anything that a guest could be started with its parameters: the files and addresses that they name are
// tested, and then QEMU itself creates the same devices once, in a trial process that exits without running a guest.
//
// Running guests must not be affected, so the trial leaves out everything that only one process can have or that is expensive:
// disks, networks, screens, mem_path, kvm_extra.
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { MerapiError } from '../../../base/errors.ts';
import { run } from '../../../base/exec.ts';
import { exists } from '../../../base/files.ts';
import { systemText } from '../../../base/system-errors.ts';
import type { InstanceTarget } from '../../../rpc/types.ts';
import { trialLine } from './command.ts';
import type { Accelerator } from './machine.ts';
import { type KvmParams, readParams, type SupportedParam, shellWords } from './params.ts';

/** Milliseconds for QEMU to create the devices of a guest, on a busy host. */
const TRIAL_TIMEOUT = 60_000;
/** How many successful trials are remembered. */
const REMEMBERED = 200;

/** The QMP commands on QEMU's input: it reads them when all devices are created, and exits with 0. */
const QUIT = ['qmp_capabilities', 'quit'].map((execute) => `${JSON.stringify({ execute })}\n`).join('');

/** Checks guests of one node. Trials with the same command line are not repeated while the worker runs. */
export class StartCheck {
  readonly #accelerator: (params: KvmParams) => Promise<Accelerator>;
  /** The command lines of successful trials. */
  readonly #accepted = new Set<string>();

  constructor(accelerator: (params: KvmParams) => Promise<Accelerator>) {
    this.#accelerator = accelerator;
  }

  /** Checks the parameters of an instance. @throws MerapiError hypervisor naming what cannot be used, timeout when QEMU hangs */
  async check(instance: InstanceTarget): Promise<void> {
    const params = readParams(instance);
    shellWords(params.text('kvm_extra'));
    if (params.text('boot_order') === 'cdrom' && params.text('cdrom_image_path') === '')
      throw new MerapiError(
        'hypervisor',
        'boot_order is cdrom, but there is no cdrom_image_path to boot from',
      );
    for (const [name, mode] of files) await checkFile(params.text(name), name, mode);
    await checkBindAddress(params.text('vnc_bind_address'));
    await checkKeymap(params);
    const accelerator = await this.#accelerator(params);
    await this.#try(
      params.text('kvm_path'),
      trialLine({ instance: anonymous(instance), params: readParams(reduced(instance)), accelerator }),
    );
  }

  async #try(program: string, args: string[]): Promise<void> {
    const key = JSON.stringify([program, ...args]);
    if (this.#accepted.has(key)) return;
    const env = { PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
    const { code, signal, stderr } = await run(program, args, {
      input: QUIT,
      env,
      timeout: TRIAL_TIMEOUT,
      cwd: '/',
    });
    if (code !== 0) {
      const output = stderr.trim().split('\n').slice(-5).join('; ').replaceAll(`${program}: `, '');
      const ending = code === null ? `it was ended by ${signal}` : `it ended with exit code ${code}`;
      throw new MerapiError(
        'hypervisor',
        `QEMU cannot make a guest with these parameters: ${output || ending}`,
      );
    }
    if (this.#accepted.size >= REMEMBERED) this.#accepted.clear();
    this.#accepted.add(key);
  }
}

const { R_OK, X_OK } = constants;

/** The parameters that name files on the node, and the access that QEMU needs. */
const files: readonly (readonly [SupportedParam, number])[] = [
  ['kvm_path', X_OK],
  ['kernel_path', R_OK],
  ['initrd_path', R_OK],
  ['cdrom_image_path', R_OK],
  ['cdrom2_image_path', R_OK],
  ['floppy_image_path', R_OK],
  ['mem_path', R_OK],
  ['vnc_password_file', R_OK],
];

async function checkFile(path: string, name: string, mode: number): Promise<void> {
  if (!path.startsWith('/')) return; // not set, or a URL that QEMU itself reads
  try {
    await access(path, mode);
    if (name !== 'mem_path' && (await stat(path)).isDirectory())
      throw Object.assign(new Error(), { code: 'EISDIR' });
  } catch (cause) {
    throw new MerapiError(
      'hypervisor',
      `The ${name} ${path} cannot be used on this node: ${systemText(cause) ?? 'it cannot be opened'}`,
    );
  }
}

/** Checks the keyboard layout, which the trial does not: QEMU reads it only for a VNC server. */
async function checkKeymap(params: KvmParams): Promise<void> {
  const keymap = params.text('keymap');
  if (keymap === '') return;
  const { stdout } = await run(params.text('kvm_path'), ['-L', 'help'], { timeout: TRIAL_TIMEOUT });
  const folders = stdout.split('\n').filter((line) => line.startsWith('/'));
  const found = await Promise.all(folders.map((folder) => exists(join(folder, 'keymaps', keymap))));
  if (!found.includes(true)) throw new MerapiError('hypervisor', `QEMU has no keymap ${keymap} on this node`);
}

/** Checks vnc_bind_address: a folder for a socket, or an IP address of this host. */
async function checkBindAddress(address: string): Promise<void> {
  if (address === '') return;
  const problem = address.startsWith('/') ? await folderProblem(address) : await listenProblem(address);
  if (problem !== null)
    throw new MerapiError(
      'hypervisor',
      `The vnc_bind_address ${address} cannot be used on this node: ${problem}`,
    );
}

async function folderProblem(path: string): Promise<string | null> {
  try {
    return (await stat(path)).isDirectory() ? null : 'it is not a folder';
  } catch (error) {
    return systemText(error) ?? 'it cannot be opened';
  }
}

/** Why an address cannot be listened on; null when it can. Tries it on a free port. */
function listenProblem(host: string): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(systemText(error) ?? 'it cannot be listened on'));
    server.listen({ host, port: 0 }, () => server.close(() => resolve(null)));
  });
}

/** The instance without parameters that would take resources of a running guest, much memory, or long. */
function reduced(instance: InstanceTarget): InstanceTarget {
  const { cdrom_image_path, cdrom2_image_path, disk_type } = instance.hvparams;
  const local = (path: unknown) => (String(path ?? '').startsWith('/') ? path : '');
  const hvparams = {
    ...instance.hvparams,
    ...{ mem_path: '', vnc_bind_address: '', vnc_password_file: '', kvm_extra: '', kernel_args: '' },
    cdrom_image_path: local(cdrom_image_path),
    cdrom2_image_path: local(cdrom2_image_path),
    // These types need a real block device.
    ...(['scsi-block', 'scsi-generic'].includes(String(disk_type)) ? { disk_type: 'scsi-hd' } : {}),
  };
  return { ...instance, hvparams };
}

/** The instance with names and addresses replaced, so that instances with the same devices have the same command line. */
function anonymous(instance: InstanceTarget): InstanceTarget {
  return {
    ...instance,
    name: 'trial',
    disks: instance.disks.map((disk, index) => ({ ...disk, uuid: `${index}` })),
    nics: instance.nics.map((nic, index) => ({
      ...nic,
      uuid: `${index}`,
      mac: `52:54:00:00:00:${String(index).padStart(2, '0')}`,
    })),
  };
}
