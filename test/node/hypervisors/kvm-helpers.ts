import { randomBytes, randomUUID } from 'node:crypto';
import { truncate, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { GuestNetwork } from '../../../lib/node/hypervisors/define.ts';
import { Channel, type Command, type CommandTable } from '../../../lib/node/hypervisors/kvm/channel.ts';
import { QmpWire } from '../../../lib/node/hypervisors/kvm/qmp.ts';
import type { DiskTarget, InstanceTarget } from '../../../lib/rpc/types.ts';
import { fileDisk, instanceTarget } from '../helpers.ts';

/**
 * A boot sector that is a guest of its own. It says U on the serial line, then sleeps until the power button is pressed or
 * a q comes over the serial line, and turns the power off by ACPI.
 *
 *   sti; mov dx,0x602; mov ax,0x100; out dx,ax        the power button is to be noted
 *   mov dx,0x3f8; mov al,'U'; out dx,al
 *   loop: hlt
 *   mov dx,0x600; in ax,dx; test ah,1; jnz off        was it pressed?
 *   mov dx,0x3fd; in al,dx; test al,1; jz loop        has a letter come?
 *   mov dx,0x3f8; in al,dx; cmp al,'q'; jne loop
 *   off: mov dx,0x604; mov ax,0x2000; out dx,ax; jmp loop
 */
const code =
  'fb ba0206 b80001 ef baf803 b055 ee f4 ba0006 ed f6c401 7510 bafd03 ec a801 74ee baf803 ec 3c71 75e6 ba0406 b80020 ef ebdd';

/**
 * The same, which also does what it is asked: before it looks at its power button it gives up the PCI devices that it is asked for
 * (ACPI's ports for that are at 0xae00), and writes as what its balloon has taken (the device 1af4:1002, which is found once) what the
 * balloon is to take.
 *
 *   sti; mov dx,0x602; mov ax,0x100; out dx,ax
 *   xor bp,bp; mov ecx,0x80000000
 *   scan: mov eax,ecx; mov dx,0xcf8; out dx,eax; mov dl,0xfc; in eax,dx; cmp eax,0x10021af4; je found
 *   add ecx,0x800; cmp ecx,0x80010000; jb scan; jmp begin
 *   found: mov eax,ecx; mov al,0x10; mov dl,0xf8; out dx,eax; mov dl,0xfc; in eax,dx; and al,0xfc; add ax,20; mov bp,ax
 *   begin: mov dx,0x3f8; mov al,'U'; out dx,al
 *   loop: hlt
 *   mov dx,0xae04; in eax,dx; test eax,eax; jz memory; mov dl,8; out dx,eax
 *   memory: test bp,bp; jz power; mov dx,bp; in eax,dx; add dx,4; out dx,eax
 *   power: as above
 */
const ableCode =
  'fb ba0206 b80001 ef 31ed 66b900000080 6689c8 baf80c 66ef b2fc 66ed 663df41a0210 7412' +
  '6681c100080000 6681f900000180 72dc eb14 6689c8 b010 b2f8 66ef b2fc 66ed 24fc 83c014 89c5' +
  'baf803 b055 ee f4 ba04ae 66ed 6685c0 7404 b208 66ef 85ed 7409 89ea 66ed 83c204 66ef' +
  'ba0006 ed f6c401 7510 bafd03 ec a801 74d3 baf803 ec 3c71 75cb ba0406 b80020 ef ebc2';

/** A guest that writes to its serial line for ever: mov dx,0x3f8; mov al,'U'; loop: out dx,al; jmp loop */
const chatter = 'baf803 b055 ee ebfd';

/**
 * How the smallest guest behaves: as it should; as one that gives up devices and memory, too; as one that heeds no power button; as
 * one that says U for ever.
 */
export type Manner = 'good' | 'able' | 'deaf' | 'chatty';

const codes: Readonly<Record<Manner, string>> = { good: code, able: ableCode, deaf: code, chatty: chatter };

async function writeTinyDisk(path: string, manner: Manner): Promise<void> {
  const disk = Buffer.alloc(1024 * 1024);
  Buffer.from(codes[manner].replaceAll(' ', ''), 'hex').copy(disk);
  if (manner === 'deaf') disk.writeUInt16LE(0, 5);
  disk.writeUInt16LE(0xaa55, 510);
  await writeFile(path, disk);
}

export const QEMU = '/usr/bin/qemu-system-x86_64';

/** An instance of kvm with one disk in the folder, as far as nothing else is said. */
export function kvmInstance(name: string, changes: Partial<InstanceTarget> = {}): InstanceTarget {
  return instanceTarget({
    name,
    uuid: randomUUID(),
    hypervisor: 'kvm',
    beparams: { ...instanceTarget().beparams, minmem: 16, maxmem: 16, vcpus: 1 },
    disks: [fileDisk(`/disks/${name}`)],
    ...changes,
    hvparams: { kvm_path: QEMU, kernel_path: '', ...changes.hvparams },
  });
}

/** The path of the instance's disk, made with the smallest guest on it. */
export async function tinyDisk(
  folder: string,
  instance: InstanceTarget,
  manner: Manner = 'good',
): Promise<string> {
  const path = join(folder, `${instance.name}.raw`);
  await writeTinyDisk(path, manner);
  return path;
}

/** A network that only notes what it is asked; `fail` makes every plug fail. */
export class NotedNetwork implements GuestNetwork {
  readonly calls: string[] = [];
  readonly fail: Error | null;

  constructor(fail: Error | null = null) {
    this.fail = fail;
  }

  async missingBridges(): Promise<string[]> {
    return [];
  }

  async plug(instance: InstanceTarget, nicIndex: number): Promise<string> {
    this.calls.push(`plug ${instance.name} ${nicIndex}`);
    if (this.fail) throw this.fail;
    return `tap${nicIndex}`;
  }

  async unplug(instanceUuid: string, nicUuid?: string): Promise<void> {
    this.calls.push(`unplug ${instanceUuid}${nicUuid ? ` ${nicUuid}` : ''}`);
  }
}

/** A network whose tap devices QEMU makes itself. */
export class TapNetwork extends NotedNetwork {
  readonly #tap = `mt${randomBytes(5).toString('hex')}`;

  override async plug(instance: InstanceTarget, nicIndex: number): Promise<string> {
    await super.plug(instance, nicIndex);
    return `${this.#tap}${nicIndex}`;
  }
}

/** A disk of 2 MiB in the folder that no guest has. */
export async function newDisk(
  folder: string,
): Promise<{ disk: DiskTarget; path: string; source: { path: string } }> {
  const uuid = randomUUID();
  const path = join(folder, `${uuid}.raw`);
  await writeFile(path, '');
  await truncate(path, 2 * 1024 * 1024);
  return { path, source: { path }, disk: { ...fileDisk(path, 2), uuid } };
}

/** Waits until a condition holds, at most 20 s. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 20_000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`${what} did not happen within 20 s`);
    await sleep(20);
  }
}

const anything: Command = {
  args: z.looseObject({}),
  result: z.unknown(),
  timeout: 30_000,
  size: 4 * 1024 * 1024,
};

/** A connection to a monitor for any commands, by name; `size` and `timeout` are their limits. */
export async function openMonitor(
  path: string,
  names: readonly string[],
  limits: Partial<Pick<Command, 'size' | 'timeout'>> = {},
): Promise<Channel<CommandTable>> {
  const commands: CommandTable = {
    qmp_capabilities: anything,
    ...Object.fromEntries(names.map((name) => [name, { ...anything, ...limits }])),
  };
  const connect = () =>
    new Promise<Channel<CommandTable> | null>((resolve, reject) => {
      const greeted = () => channel.execute('qmp_capabilities', {}).then(() => resolve(channel), reject);
      const wire = new QmpWire(greeted, () => undefined);
      const channel = new Channel(createConnection(path), { commands, wire, onEnd: () => resolve(null) });
    });
  // QEMU may turn a client away while it lets go of the one before.
  let monitor: Channel<CommandTable> | null = null;
  await until('the connection to the monitor', async () => {
    monitor = await connect();
    return monitor !== null;
  });
  return monitor ?? Promise.reject(new Error('There is no monitor'));
}

/** What QEMU answers to one command; nobody else may be connected to the monitor. */
export async function askQemu(
  path: string,
  name: string,
  args: Record<string, unknown> = {},
): Promise<unknown> {
  const monitor = await openMonitor(path, [name]);
  try {
    return await monitor.execute(name, args);
  } finally {
    monitor.close();
  }
}
