// Finds out whether guests can be executed with KVM on this host. That /dev/kvm exists is not enough: nested or emulated virtualisation
// may offer it and then hang or fail at code that every kernel has. So a tiny guest executes such code, and its exit code tells.
import { access, constants, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, startProgram } from '../../../base/exec.ts';
import { readFileOrNull, writeFileDurably } from '../../../base/files.ts';
import type { Logger } from '../../../base/log.ts';
import type { Accelerator } from './machine.ts';

/** QEMU's exit code when the probe reached its end: the debug exit device makes (value << 1) | 1 of the value 0x2a. */
const PASSED = (0x2a << 1) | 1;
const PROBE_SECONDS = 5;

/**
 * The machine code of the probe, which is loaded as a BIOS of 64 KiB. Broken virtualisation can often execute a BIOS, so the probe does
 * what every kernel does early, and what KVM's instruction emulator cannot do or does far too slowly: it switches to 64-bit
 * mode, executes `lock cmpxchg16b`, and counts down from 67 million. Then it writes to the debug exit device. The code is at
 * F000:0000 (physical 0xf0000); the processor starts at F000:FFF0, where a jump leads to it.
 */
const probeCode = [
  'fa', //                         cli
  '31c0 8ed8', //                  xor ax,ax; mov ds,ax
  '66c7060010 03200000', //        mov dword [0x1000],0x2003      first level of page tables: one entry
  '66c7060020 03300000', //        mov dword [0x2000],0x3003      second level: one entry
  '66c7060030 83000000', //        mov dword [0x3000],0x83        third level: one page of 2 MiB at 0
  '2e660f0116 8800', //            lgdt cs:[0x88]
  '66b800100000 0f22d8', //        mov eax,0x1000; mov cr3,eax
  '66b820000000 0f22e0', //        mov eax,0x20; mov cr4,eax      physical address extension
  '66b9800000c0 0f32', //          mov ecx,0xc0000080; rdmsr
  '0d0001 0f30', //                or ax,0x100; wrmsr             long mode
  '66b811000080 0f22c0', //        mov eax,0x80000011; mov cr0,eax
  '66ea57000f000800', //           jmp 0x08:0xf0057
  '31c0 31d2', //                  xor eax,eax; xor edx,edx       (64-bit from here on)
  'f0480fc70c2500400000', //       lock cmpxchg16b [0x4000]
  '750d', //                       jne to hlt
  'b900000004 ffc9 75fc', //       mov ecx,0x4000000; dec ecx; jne to dec
  'b02a e6f4', //                  mov al,0x2a; out 0xf4,al
  'f4 ebfd', //                    hlt; jmp to hlt
  '90', //                         (padding)
  '0000000000000000', //           at 0x78: the descriptors: none,
  '00000000009a2000', //           64-bit code
  '0f00 78000f00', //              at 0x88: their size and address (0xf0078)
].join('');
const resetCode = 'ea000000f0'; // jmp 0xf000:0x0000

function probeFirmware(): Buffer {
  const image = Buffer.alloc(0x10000);
  Buffer.from(probeCode.replaceAll(' ', ''), 'hex').copy(image, 0);
  Buffer.from(resetCode, 'hex').copy(image, 0xfff0);
  return image;
}

/** Whether the probe runs to its end with this accelerator on this host. Takes at most PROBE_SECONDS. */
export async function executes(qemu: string, accelerator: Accelerator): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'merapi-probe-'));
  try {
    const firmware = join(folder, 'probe.bin');
    await writeFile(firmware, probeFirmware());
    return await passes(qemu, [
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-m', '8M'],
      ...['-machine', `pc,accel=${accelerator}`, '-bios', firmware],
      ...['-device', 'isa-debug-exit,iobase=0xf4,iosize=1'],
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs QEMU. The program `timeout` kills it even if this process dies; it is also killed when it reports that KVM failed. */
function passes(qemu: string, args: string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = startProgram('timeout', ['-s', 'KILL', String(PROBE_SECONDS), qemu, ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (text.includes('KVM internal error')) child.kill('SIGTERM');
    });
    child.on('error', () => resolve(false));
    child.on('close', (code) => resolve(code === PASSED));
  });
}

/**
 * Finds out which accelerator works on this host. The answer is stored, and valid for the same kernel, processor, QEMU version and access
 * to /dev/kvm.
 */
export class AcceleratorProbe {
  readonly #file: string;
  readonly #log: Logger;
  /** The answers of this worker, by QEMU program. */
  readonly #answers = new Map<string, Promise<Accelerator>>();

  /** @param file where the answer is stored for later starts of the worker */
  constructor(file: string, log: Logger) {
    this.#file = file;
    this.#log = log;
  }

  /** The best accelerator that works with this QEMU program. @throws MerapiError environment_error when the program cannot be run */
  best(qemu: string): Promise<Accelerator> {
    const known = this.#answers.get(qemu);
    if (known) return known;
    const answer = this.#find(qemu);
    this.#answers.set(qemu, answer);
    answer.catch(() => this.#answers.delete(qemu));
    return answer;
  }

  async #find(qemu: string): Promise<Accelerator> {
    const device = await hasDevice();
    const host = { kernel: release(), qemu: await versionOf(qemu), cpu: await cpuModel(), device };
    const stored = await readFileOrNull(this.#file).catch(() => null);
    const answer = stored === null ? null : readAnswer(stored, host);
    if (answer) return answer;
    const accelerator: Accelerator = device && (await executes(qemu, 'kvm')) ? 'kvm' : 'tcg';
    this.#log.info({ accelerator, ...host }, 'probed the accelerator for guests');
    await writeFileDurably(this.#file, `${JSON.stringify({ ...host, accelerator })}\n`).catch((error) =>
      this.#log.warn(
        { err: error, path: this.#file },
        'cannot store the accelerator for guests; the next start of the worker probes it again',
      ),
    );
    return accelerator;
  }
}

/** The properties of the host on which the answer depends. */
interface Host {
  kernel: string;
  qemu: string;
  cpu: string;
  /** Whether this process may open /dev/kvm. */
  device: boolean;
}

/** The stored answer; null when it is for another host or the file is malformed. */
function readAnswer(text: string, host: Host): Accelerator | null {
  try {
    const stored = JSON.parse(text) as Partial<Host> & { accelerator?: unknown };
    const same = (['kernel', 'qemu', 'cpu', 'device'] as const).every((key) => stored[key] === host[key]);
    if (same && (stored.accelerator === 'kvm' || stored.accelerator === 'tcg')) return stored.accelerator;
  } catch {
    // a malformed file is probed again
  }
  return null;
}

/** Whether this process may open /dev/kvm. */
async function hasDevice(): Promise<boolean> {
  try {
    await access('/dev/kvm', constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

async function versionOf(qemu: string): Promise<string> {
  return (await run(qemu, ['--version'], { timeout: 10_000 })).stdout.split('\n', 1)[0] ?? '';
}

async function cpuModel(): Promise<string> {
  return /^model name\s*:\s*(.*)$/m.exec(await readFile('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown';
}
