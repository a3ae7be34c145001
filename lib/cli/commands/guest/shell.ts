// `shell`: a shell in the guest. The agent has no terminal, so each line is a program of its own: it begins in the folder where the one
// before it ended, and its output is shown while it runs.
import { createInterface } from 'node:readline';
import { execute } from './exec.ts';
import type { Guest } from './target.ts';

/** Changes to the folder $1, runs the line $2, and leaves the folder in which it ended in the file $3. */
const LINE = 'cd "$1" 2>/dev/null || cd /; eval "$2"; code=$?; pwd >"$3"; exit $code';

/** Reads lines and runs them in the guest until the end of the input or `exit`; returns the exit code of the last one. */
export async function shell(guest: Guest): Promise<number> {
  const note = (await guest.shell('mktemp')).trim();
  const isTerminal = process.stdin.isTTY === true;
  const lines = createInterface({
    input: process.stdin,
    output: isTerminal ? process.stderr : undefined,
    terminal: isTerminal,
  });
  let folder = '/';
  let code = 0;
  const prompt = () => {
    lines.setPrompt(`${folder} # `);
    if (isTerminal) lines.prompt();
  };
  try {
    prompt();
    for await (const line of lines) {
      if (/^\s*exit\s*$/.test(line)) break;
      if (line.trim() !== '') {
        const argv = ['/bin/sh', '-c', LINE, 'merapi', folder, line, note];
        code = await execute(guest, argv, { stream: true, input: Buffer.alloc(0) });
        folder = (await guest.shell('cat "$1"', note)).trim() || folder;
      }
      prompt();
    }
    return code;
  } finally {
    lines.close();
    await guest.run(['/bin/rm', '-f', note]).catch(() => undefined);
  }
}
