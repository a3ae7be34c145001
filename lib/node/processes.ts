import { readdir, readFile, readlink } from 'node:fs/promises';

/** A process as /proc shows it. */
export interface ProcessInfo {
  pid: number;
  /** One letter; Z and X are dead. */
  state: string;
  /** The process group. */
  group: number;
  session: number;
  /** When it started, in clock ticks since the machine booted: with the pid and the boot id it names one process for ever. */
  start: string;
}

/** Reads a line of /proc/PID/stat; null when the text is none. */
export function parseStat(text: string): ProcessInfo | null {
  const close = text.lastIndexOf(')'); // the program's name stands in brackets and may hold anything
  const pid = Number.parseInt(text, 10);
  const fields = text.slice(close + 2).split(' ');
  const [state, , group, session] = fields;
  const start = fields[19];
  if (close < 0 || !pid || !state || start === undefined) return null;
  return { pid, state, group: Number(group), session: Number(session), start };
}

/** The living process with this id, or null. */
export async function findProcess(pid: number): Promise<ProcessInfo | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(gone);
  const info = text === null ? null : parseStat(text);
  return info && info.state !== 'Z' && info.state !== 'X' ? info : null;
}

/** Whether a process is one of the user of this one. */
export async function isOwn(pid: number): Promise<boolean> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(gone);
  const [, real, effective] = /^Uid:\t([0-9]+)\t([0-9]+)/m.exec(text ?? '') ?? [];
  return Number(real) === process.getuid?.() && Number(effective) === process.geteuid?.();
}

/** The path of the program that a process executes; null when it is gone, or of another user. */
export async function programOf(pid: number): Promise<string | null> {
  const path = await readlink(`/proc/${pid}/exe`).catch(gone);
  return path?.replace(/ \(deleted\)$/, '') ?? null; // an upgrade replaces the file of a program that runs
}

/** The words of a process's command line; none when it is gone, or of another user. */
export async function argumentsOf(pid: number): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(gone);
  return text ? text.replace(/\0$/, '').split('\0') : [];
}

function gone(error: NodeJS.ErrnoException): null {
  if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(error.code ?? '')) return null;
  throw error;
}

/** The living processes of the group that the leader of a session of its own started. */
export async function groupMembers(leader: number): Promise<ProcessInfo[]> {
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name));
  const processes = await Promise.all(pids.map((pid) => findProcess(Number(pid))));
  return processes.filter(
    (info) => info !== null && info.group === leader && info.session === leader,
  ) as ProcessInfo[];
}

/** Names the time since the machine was last started. */
export async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}
