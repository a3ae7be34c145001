import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { findProcess, groupMembers, parseStat } from '../../lib/node/processes.ts';

describe('processes', () => {
  it('reads a stat line whose program name tries to confuse', () => {
    const rest = 'S 1 77 78 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1000 200 18446744073709551615';
    const expected = { pid: 42, state: 'S', group: 77, session: 78, start: '987654' };
    assert.deepEqual(parseStat(`42 (a) R 9 (b) ${rest}\n`), expected);
    assert.equal(parseStat(''), null);
    assert.equal(parseStat('42 (sh'), null);
  });

  it('finds living processes and the members of a group', async () => {
    assert.equal((await findProcess(process.pid))?.pid, process.pid);
    const leader = spawn('sh', ['-c', 'sleep 60 & read -r line'], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    await once(leader, 'spawn');
    const pid = leader.pid as number;
    while ((await groupMembers(pid)).length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    leader.stdin?.end('\n');
    await once(leader, 'exit');
    assert.equal(await findProcess(pid), null);
    const [orphan, ...others] = await groupMembers(pid);
    assert.deepEqual([orphan?.group, others], [pid, []]);
    process.kill(-pid, 'SIGKILL');
    while ((await groupMembers(pid)).length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });
});
