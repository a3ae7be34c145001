import { readdir, readFile } from 'node:fs/promises';

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
  let text: string;
  try {
    text = await readFile(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
  const info = parseStat(text);
  return info && info.state !== 'Z' && info.state !== 'X' ? info : null;
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
