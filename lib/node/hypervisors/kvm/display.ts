// How users reach a guest: a VNC server for its screen, and its serial console over a socket.
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { errorText, MerapiError } from '../../../base/errors.ts';
import type { Console } from '../../../rpc/types.ts';
import { VNC_BASE_PORT, vncSocket } from './devices.ts';
import { type KvmParams, readParams } from './params.ts';
import type { Monitor } from './qmp.ts';
import type { GuestRecord } from './record.ts';
import type { GuestSockets } from './sockets.ts';

/**
 * Sets the password of a guest's VNC server and returns the address on which it listens; null when the guest has no VNC server, or the
 * server listens on a socket.
 * @throws MerapiError hypervisor when the password file cannot be read or QEMU refuses
 */
export async function prepareVnc(params: KvmParams, monitor: Monitor): Promise<GuestRecord['vnc']> {
  if (params.text('vnc_bind_address') === '') return null;
  const file = params.text('vnc_password_file');
  if (file !== '') {
    const password = await readPassword(file);
    await monitor.execute('set_password', { protocol: 'vnc', password });
  }
  const { host, service, family } = await monitor.execute('query-vnc');
  return family === 'unix' || !host ? null : { host, port: Number(service) };
}

/** The first line of the password file, as in Ganeti. */
async function readPassword(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).split('\n', 1)[0] ?? '';
  } catch (cause) {
    throw new MerapiError('hypervisor', `Cannot read the vnc_password_file: ${errorText(cause)}`, { cause });
  }
}

/** How users reach the console of a guest: by its serial console if it has one, otherwise by its screen. */
export function consoleOf(record: GuestRecord, sockets: GuestSockets): Console {
  const instance = record.instance.name;
  const params = readParams(record.instance);
  if (params.flag('serial_console')) {
    const command = ['socat', 'STDIO,raw,echo=0,escape=0x1d', `UNIX-CONNECT:${sockets.serial}`];
    return { instance, kind: 'ssh', host: hostname(), user: 'root', command };
  }
  if (record.vnc) {
    const { host, port } = record.vnc;
    return { instance, kind: 'vnc', host, port, display: port - VNC_BASE_PORT };
  }
  const bind = params.text('vnc_bind_address');
  const message = bind
    ? `The screen of ${instance} is a VNC server on the socket ${vncSocket(bind, record.instance)} on ${hostname()}`
    : `Instance ${instance} has neither a serial console nor a screen`;
  return { instance, kind: 'msg', message };
}
