// Reads /proc. A process is identified by its pid, its start time and the boot id together: a pid alone may have been reused, which
// matters wherever the worker kills what an earlier worker started. A process that is gone, or that another user owns, is
// reported as absent and not as an error.
import { readdir, readFile, readlink } from 'node:fs/promises';

/** A process, from /proc/PID/stat. */
export interface ProcessInfo {
  pid: number;
  /** The kernel's letter for the state; Z (zombie) and X (dead) have ended. */
  state: string;
  /** The id of the process group. */
  group: number;
  /** The id of the session. */
  session: number;
  /** The start time in clock ticks since boot; with the pid and the boot id it identifies a process uniquely. */
  start: string;
}

/** Parses the line of /proc/PID/stat, see proc(5); null when the text has another form. */
export function parseStat(text: string): ProcessInfo | null {
  const close = text.lastIndexOf(')'); // the program's name is in parentheses and may itself contain any character
  const pid = Number.parseInt(text, 10);
  const fields = text.slice(close + 2).split(' ');
  const [state, , group, session] = fields;
  const start = fields[19];
  if (close < 0 || !pid || !state || start === undefined) return null;
  return { pid, state, group: Number(group), session: Number(session), start };
}

/** The process with this id, or null when there is none or it has ended (a zombie). */
export async function findProcess(pid: number): Promise<ProcessInfo | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(gone);
  const info = text === null ? null : parseStat(text);
  return info && info.state !== 'Z' && info.state !== 'X' ? info : null;
}

/** Whether a process has the real and the effective user id of this process. */
export async function isOwn(pid: number): Promise<boolean> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(gone);
  const [, real, effective] = /^Uid:\t([0-9]+)\t([0-9]+)/m.exec(text ?? '') ?? [];
  return Number(real) === process.getuid?.() && Number(effective) === process.geteuid?.();
}

/** The path of the program that a process executes; null when the process is gone or not accessible. */
export async function programOf(pid: number): Promise<string | null> {
  const path = await readlink(`/proc/${pid}/exe`).catch(gone);
  // The kernel appends " (deleted)" after an upgrade has replaced the file of a running program.
  return path?.replace(/ \(deleted\)$/, '') ?? null;
}

/** The command line of a process; empty when the process is gone or not accessible. */
export async function argumentsOf(pid: number): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(gone);
  return text ? text.replace(/\0$/, '').split('\0') : [];
}

/** For catch(): maps the errors for a process that is gone or not accessible to null. */
function gone(error: NodeJS.ErrnoException): null {
  if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(error.code ?? '')) return null;
  throw error;
}

/**
 * The living processes in the group of a leader that was started in a session of its own (`detached`). The session is compared too:
 * once the leader is gone, its pid may be reused as the id of an unrelated group.
 */
export async function groupMembers(leader: number): Promise<ProcessInfo[]> {
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name));
  const processes = await Promise.all(pids.map((pid) => findProcess(Number(pid))));
  return processes.filter(
    (info) => info !== null && info.group === leader && info.session === leader,
  ) as ProcessInfo[];
}

/** The kernel's random id of the current boot. */
export async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}
