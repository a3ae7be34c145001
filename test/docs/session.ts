// Runs the commands of a page in one shell, in a folder that looks like the repository to them, with a cluster of simulated nodes.
import { chmod, cp, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../lib/base/exec.ts';
import { conformance, type Programs, workerOf } from '../helpers/program.ts';
import { type Command, root } from './blocks.ts';

/** Where the pages find the API; the cluster of a test listens elsewhere. */
const SHOWN_URL = 'https://127.0.0.1:5080';

/** Where the state folder of the page's cluster is. */
const CLUSTER = 'var';

/** How long the commands of a page may take together, in ms. */
const PATIENCE = 60_000;

/** What the shell prints after each command, before its exit code. */
const MARK = '\u0001';

/** How a command ended. */
export interface Outcome {
  /** Null when the shell did not get so far. */
  readonly code: number | null;
  /** What it printed, on both of its outputs. */
  readonly output: string;
}

/** Runs the commands of a page one after the other; what became of each, in their order. `nodes` are the names of the cluster's nodes. */
export async function runPage(
  programs: Programs,
  commands: readonly Command[],
  nodes: readonly string[],
): Promise<Outcome[]> {
  const folder = await workplace(programs);
  const cluster = await programs.clusterFile({
    os_search_path: [join(folder, 'os')],
    master: nodes[0],
    nodes: nodes.map((name, index) => ({ name, primary_ip: `198.51.100.${index + 1}` })),
  });
  const { url } = await programs.up({ dir: join(folder, CLUSTER), cluster, users: null, ssl: true });
  const text = scriptOf(commands).replaceAll(SHOWN_URL, url);
  const env = { PATH: process.env.PATH, HOME: folder, TZ: 'UTC' };
  const { stdout } = await run('bash', ['-c', text], { cwd: folder, env, timeout: PATIENCE }).finally(() =>
    endWorkers(folder),
  );
  const parts = stdout.replaceAll(url, SHOWN_URL).split(MARK);
  return commands.map((_, index) => {
    const part = parts[index];
    const end = parts[index + 1];
    if (part === undefined || end === undefined) return { code: null, output: part ?? '' };
    return { code: Number(end.slice(0, end.indexOf('\n'))), output: index === 0 ? part : afterLine(part) };
  });
}

/** Ends workers that the commands left running, as those do that are killed for taking too long. */
async function endWorkers(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (!entry.isDirectory() || entry.name === CLUSTER) continue;
    const worker = await workerOf(join(folder, entry.name));
    if (worker) process.kill(worker.pid, 'SIGKILL');
  }
}

const afterLine = (text: string) => text.slice(text.indexOf('\n') + 1);

/** A new folder with what the pages' commands expect in the one that they are run in. */
async function workplace(programs: Programs): Promise<string> {
  const folder = await programs.folder();
  await chmod(folder, 0o700);
  for (const name of ['bin', 'test']) await symlink(join(root, name), join(folder, name));
  await mkdir(join(folder, 'os'));
  await cp(`${conformance}os/noop`, join(folder, 'os', 'demo'), { recursive: true });
  // A request that is refused fails the command.
  await writeFile(join(folder, '.curlrc'), 'fail-with-body\n');
  return folder;
}

/** The commands as one script, which prints MARK and the exit code after each. Those that go on running end with the script. */
function scriptOf(commands: readonly Command[]): string {
  const parts = commands.map((command) => {
    const { text, block } = command;
    const isLast = commands.findLast((each) => each.block === block) === command;
    const body = block.key === 'until' && isLast ? inBackground(text, block.value) : text;
    return `{\n${body}\n} </dev/null\nprintf '${MARK}%d\\n' $?`;
  });
  const head = ['exec 2>&1', 'shopt -s expand_aliases', "trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT"];
  return [...head, ...parts].join('\n');
}

/** A program of Merapi that goes on running, on a port that is free; succeeds when it has printed the word. */
function inBackground(text: string, word: string): string {
  return [
    `${text} --port 0 >going-on 2>&1 &`,
    'left=300',
    `until grep -q '${word}' going-on || ! kill -0 $! || [ $((left--)) = 0 ]; do sleep 0.1; done`,
    'cat going-on',
    `grep -q '${word}' going-on`,
  ].join('\n');
}
