import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { MerapiError } from '../../../lib/base/errors.ts';
import { ScriptGroups } from '../../../lib/node/os/scripts.ts';
import { bootId, findProcess, groupMembers } from '../../../lib/node/processes.ts';
import { eventually } from '../../helpers/program.ts';
import { Resources } from '../helpers.ts';

const pause = () => new Promise((resolve) => setTimeout(resolve, 5));

describe('script groups', () => {
  const resources = new Resources();
  after(() => resources.close());

  async function make(text: string, signal = new AbortController().signal) {
    const folder = await resources.folder();
    const script = join(folder, 'create');
    await writeFile(script, `#!/bin/sh\n${text}\n`);
    await chmod(script, 0o755);
    const logFile = join(folder, 'log');
    const options = {
      cwd: folder,
      env: { PATH: process.env.PATH, WORD: 'hello' },
      logFile,
      timeout: 60_000,
      signal,
    };
    const records = join(folder, 'scripts');
    const groups = new ScriptGroups(records);
    /** Resolves with the pid once the script has written it. */
    const started = async () => {
      for (;;) {
        const pid = Number(await readFile(join(folder, 'pid'), 'utf8').catch(() => ''));
        if (pid) return pid;
        await pause();
      }
    };
    return {
      folder,
      options,
      groups,
      records,
      logFile,
      started,
      run: () => groups.run('u1', script, options),
    };
  }

  it('runs a script with its environment and folder, and logs what it says', async () => {
    const { folder, run, logFile, records } = await make('pwd; echo $WORD; echo bad >&2; read -r x; exit 3');
    const { code } = await run();
    assert.equal(code, 3);
    assert.equal(await readFile(logFile, 'utf8'), `${folder}\nhello\nbad\n`);
    assert.deepEqual(await readdir(records), []);
  });

  it('records the group before the script begins', async () => {
    const { folder, run, records } = await make('cat scripts/u1.*/group > seen; echo $$ > pid');
    await run();
    const [boot, stat = ''] = (await readFile(join(folder, 'seen'), 'utf8')).split('\n');
    assert.equal(boot, await bootId());
    const pid = (await readFile(join(folder, 'pid'), 'utf8')).trim();
    assert.deepEqual([stat.split(' ')[0], stat.split(' ')[4]], [pid, pid]);
    assert.deepEqual(await readdir(records), []);
  });

  it('ends what a script leaves running', async () => {
    const { folder, run } = await make('sleep 600 >/dev/null 2>&1 & echo $$ > pid');
    assert.equal((await run()).code, 0);
    const pid = Number(await readFile(join(folder, 'pid'), 'utf8'));
    while ((await groupMembers(pid)).length > 0) await pause();
  });

  it('ends a script of an earlier life with all its processes, and no script of another instance', async () => {
    const { groups, run, started, records } = await make(
      'sleep 600 & echo $$ > pid.new; mv pid.new pid; wait',
    );
    const running = run();
    const pid = await started();
    await new ScriptGroups(records).end('u2');
    assert.notEqual(await findProcess(pid), null);
    await new ScriptGroups(records).end('u1');
    assert.deepEqual(await groupMembers(pid), []);
    assert.equal((await running).signal, 'SIGKILL');
    await groups.end('u1');
    assert.deepEqual(await readdir(records), []);
  });

  it('ends all that an earlier life left, and reports what it does not understand', async () => {
    const { run, started, records } = await make('echo $$ > pid.new; mv pid.new pid; sleep 600');
    const running = run();
    const pid = await started();
    await mkdir(join(records, 'u2.0'));
    await writeFile(join(records, 'u2.0', 'group'), 'nonsense');
    const reported: string[] = [];
    await new ScriptGroups(records).endAll((error) => reported.push(String(error)));
    assert.deepEqual(await groupMembers(pid), []);
    assert.equal((await running).signal, 'SIGKILL');
    assert.deepEqual(await readdir(records), ['u2.0']);
    assert.equal(reported.length, 1);
    assert.match(reported[0] ?? '', /u2\.0.*the process that runs/);
  });

  it('never lets a script begin whose record came too late', async () => {
    const { folder, options, run, records } = await make('touch begun');
    // A shell that is held up just before it puts its record in place, as if the worker died right after starting it.
    await writeFile(
      join(folder, 'ln'),
      '#!/bin/sh\ntouch held; until [ -e claimed ]; do sleep 0.01; done; exec /bin/ln "$@"\n',
    );
    await chmod(join(folder, 'ln'), 0o755);
    options.env.PATH = `${folder}:/usr/bin:/bin`;
    const running = run();
    while (!(await readdir(folder)).includes('held')) await pause();
    await new ScriptGroups(records).end('u1');
    await writeFile(join(folder, 'claimed'), '');
    assert.notEqual((await running).code, 0);
    assert.ok(!(await readdir(folder)).includes('begun'));
  });

  it('kills nobody who got the number of a dead script', async () => {
    const { groups, records } = await make('true');
    const bystander = spawn('sleep', ['600'], { detached: true });
    await once(bystander, 'spawn');
    const stat = await readFile(`/proc/${bystander.pid}/stat`, 'utf8');
    const fields = stat.split(' ');
    fields[21] = String(Number(fields[21]) - 1);
    const foreign = [
      `${await bootId()}\n${fields.join(' ')}\n`,
      `00000000-0000-0000-0000-000000000000\n${stat}\n`,
      '',
    ];
    for (const [index, record] of foreign.entries()) {
      await mkdir(join(records, `u1.${index}`), { recursive: true });
      await writeFile(join(records, `u1.${index}`, 'group'), record);
    }
    await groups.end('u1');
    assert.deepEqual(await readdir(records), []);
    assert.notEqual(await findProcess(bystander.pid as number), null);
    bystander.kill('SIGKILL');
    await once(bystander, 'exit');
  });

  it('keeps a record that it does not understand, and says which', async () => {
    const { groups, records } = await make('true');
    await mkdir(join(records, 'u1.0'), { recursive: true });
    await writeFile(join(records, 'u1.0', 'group'), 'nonsense');
    await assert.rejects(groups.end('u1'), (error: Error) =>
      error.message.startsWith(`${join(records, 'u1.0', 'group')} (the process that runs`),
    );
    assert.equal(await readFile(join(records, 'u1.0', 'group'), 'utf8'), 'nonsense');
  });

  it('ends a script when it is aborted or takes too long', async () => {
    const abort = new AbortController();
    const slow = await make('echo $$ > pid.new; mv pid.new pid; sleep 600', abort.signal);
    const running = slow.run();
    const pid = await slow.started();
    abort.abort(new MerapiError('unavailable', 'closing'));
    await assert.rejects(running, { code: 'unavailable' });
    const members = async () => (await groupMembers(pid)).length === 0 || null;
    await eventually('the group that was killed is gone', members);
    await assert.rejects(slow.run(), { code: 'unavailable' });
    const { folder, groups } = await make('sleep 600');
    const options = { cwd: folder, env: {}, logFile: join(folder, 'log'), timeout: 20 };
    const late = groups.run('u1', join(folder, 'create'), {
      ...options,
      signal: new AbortController().signal,
    });
    await assert.rejects(late, { code: 'timeout' });
  });
});
