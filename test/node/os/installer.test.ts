import assert from 'node:assert/strict';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { LOG_FILE_LIMIT } from '../../../lib/node/capped-log.ts';
import { OsInstaller } from '../../../lib/node/os/installer.ts';
import { groupMembers } from '../../../lib/node/processes.ts';
import { StoragePaths } from '../../../lib/node/storage/paths.ts';
import { createStorage } from '../../../lib/node/storage/registry.ts';
import type { ParamsOf } from '../../../lib/rpc/registry.ts';
import { eventually } from '../../helpers/program.ts';
import { fileDisk, instanceTarget, Resources } from '../helpers.ts';
import { fullOs, plainOs, writeOs } from './definitions-on-disk.ts';

const never = new AbortController().signal;

/** Waits until a log has this text: its writer is a process of its own, which a script that succeeds is not kept for. */
async function assertLog(log: string, wanted: string): Promise<void> {
  await eventually(`the log is ${JSON.stringify(wanted)}`, async () =>
    (await readFile(log, 'utf8')) === wanted ? true : null,
  );
}

describe('OS installer', () => {
  const resources = new Resources();
  after(() => resources.close());

  /** A worker's folder, an instance with a disk of 1 MiB, and an OS whose create script is the text given. */
  async function make(create: string, files: Record<string, string> = plainOs) {
    const root = await resources.folder();
    const [folder, searched, disks] = [join(root, 'worker'), join(root, 'os'), join(root, 'disks')];
    await writeOs(searched, 'system', { ...files, create: `#!/bin/sh\n${create}\n` });
    const storage = createStorage(new StoragePaths([disks], []), null);
    const disk = fileDisk(join(disks, 'web', 'disk0'));
    await storage.of(disk).create(disk);
    const installer = new OsInstaller(folder, storage);
    const params = (changes: Partial<ParamsOf<'os.create'>> = {}): ParamsOf<'os.create'> => ({
      instance: instanceTarget({ os: 'system', disks: [disk] }),
      search_path: [searched],
      osparams: {},
      reinstall: false,
      debug: 0,
      ...changes,
    });
    const content = async () => (await readFile(join(disks, 'web', 'disk0'), 'latin1')).replace(/\0+$/, '');
    const log = join(folder, 'log', 'os-web.example.com.log');
    return { root, folder, disk, storage, installer, params, content, log };
  }

  it('runs the script in its folder, on the disk, with nothing of the environment of the worker', async () => {
    const { root, installer, params, content, log } = await make('env; pwd; echo system >"$DISK_0_PATH"');
    await installer.create(params(), never);
    assert.equal(await content(), 'system\n');
    const whole = await eventually('the log is whole', async () => {
      const text = await readFile(log, 'utf8');
      return text.includes(join(root, 'os', 'system')) ? text : null;
    });
    const lines = whole.split('\n');
    assert.ok(lines.includes('INSTANCE_NAME=web.example.com') && lines.includes('OS_NAME=system'));
    assert.ok(lines.includes(join(root, 'os', 'system')));
    // Where coverage is measured, Node itself hands its folder on.
    const foreign = lines.filter((line) =>
      /^(HOME|USER|NODE(?!_V8_COVERAGE=)|npm_|INSTANCE_REINSTALL)/.test(line),
    );
    assert.deepEqual(foreign, []);
    assert.equal((await stat(log)).mode & 0o777, 0o600);
  });

  it('installs on empty disks; a reinstallation finds what was there and is told so', async () => {
    const script = 'head -c 3 "$DISK_0_PATH" | tr -d "\\0"; echo "[$INSTANCE_REINSTALL]"';
    const { root, installer, params, log } = await make(script);
    const fill = () => writeFile(join(root, 'disks', 'web', 'disk0'), 'old', { flag: 'r+' });
    await fill();
    await installer.create(params(), never);
    await assertLog(log, '[]\n');
    await fill();
    await installer.create(params({ reinstall: true }), never);
    await assertLog(log, 'old[1]\n');
    assert.equal((await stat(join(root, 'disks', 'web', 'disk0'))).size, 1024 * 1024);
  });

  it('works without disks', async () => {
    const { installer, params, log } = await make('echo $DISK_COUNT disks');
    await installer.create(params({ instance: instanceTarget({ os: 'system' }) }), never);
    await assertLog(log, '0 disks\n');
  });

  it('tells the last lines of a script that failed, without the values of parameters', async () => {
    const script = 'echo early; seq 1 9; echo "secret is $OSP_PASSWORD, pin $OSP_PIN of 170"; exit 7';
    const { installer, params, log } = await make(script);
    const osparams = { password: 'a+b(c', pin: '17' };
    const error = await installer.create(params({ osparams }), never).catch((cause) => cause);
    assert.equal(error.code, 'execution');
    assert.match(error.message, /'system' for instance web.example.com failed with exit code 7: 1\n2\n/);
    assert.match(error.message, /secret is <OSP_PASSWORD>, pin <OSP_PIN> of 170$/);
    assert.doesNotMatch(error.message, /early/);
    assert.match(await readFile(log, 'utf8'), /early/);
  });

  it('checks parameters by the list and by the verify script, before it touches a disk', async () => {
    const verify =
      '#!/bin/sh\n[ "$1" = parameters ] && [ "$OSP_DHCP" != maybe ] || { echo "no $OSP_DHCP" >&2; exit 1; }\n';
    const { root, installer, params, content } = await make('echo new >"$DISK_0_PATH"', {
      ...fullOs,
      verify,
    });
    await writeFile(join(root, 'disks', 'web', 'disk0'), 'old', { flag: 'r+' });
    const { disks } = params().instance;
    const create = (osparams: Record<string, string>) =>
      installer.create(params({ instance: instanceTarget({ os: 'system+big', disks }), osparams }), never);
    await assert.rejects(create({ dchp: 'yes' }), {
      code: 'wrong_input',
      message: /no parameters dchp; it has: dhcp, root-size, bare/,
    });
    await assert.rejects(create({ dhcp: 'maybe' }), {
      code: 'execution',
      message: /verify script of OS 'system' failed with exit code 1: no <OSP_DHCP>$/,
    });
    assert.equal(await content(), 'old');
    await create({ dhcp: 'yes' });
    assert.equal(await content(), 'new\n');
  });

  it('refuses an OS that is not there and a disk that is missing', async () => {
    const { storage, disk, installer, params, log } = await make('true');
    const instance = { ...params().instance, os: 'absent' };
    await assert.rejects(installer.create(params({ instance }), never), { code: 'wrong_input' });
    await storage.of(disk).remove(disk);
    await assert.rejects(installer.create(params(), never), { code: 'block_device' });
    await assert.rejects(stat(log));
  });

  it('ends the script of a call that was cut off and starts again on an empty disk', async () => {
    const script =
      'if [ -e ../../go ]; then word=whole; else word=halfway; fi; ' +
      'printf $word | dd of="$DISK_0_PATH" conv=notrunc 2>/dev/null; ' +
      '[ $word = whole ] || { echo $$ >../../pid; sleep 600; }';
    const { root, folder, storage, installer, params, content } = await make(script);
    const first = installer.create(params(), never);
    const failed = assert.rejects(first, { code: 'execution', message: /ended by SIGKILL/ });
    while (!(await readFile(join(root, 'pid'), 'utf8').catch(() => '')).includes('\n'))
      await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(await content(), 'halfway');
    await writeFile(join(root, 'go'), '');
    // The next life of the worker knows only what is on disk.
    await new OsInstaller(folder, storage).create(params(), never);
    await failed;
    assert.equal(await content(), 'whole');
    const pid = Number(await readFile(join(root, 'pid'), 'utf8'));
    assert.deepEqual(await groupMembers(pid), []);
  });

  it('forgets an instance: its log and what still runs', async () => {
    const { root, installer, params, log } = await make('echo $$ >../../pid; sleep 600');
    const running = assert.rejects(installer.create(params(), never));
    const pidFile = join(root, 'pid');
    while (!(await readFile(pidFile, 'utf8').catch(() => '')).includes('\n'))
      await new Promise((resolve) => setTimeout(resolve, 5));
    await installer.forget(params().instance);
    await running;
    assert.deepEqual(await groupMembers(Number(await readFile(pidFile, 'utf8'))), []);
    await assert.rejects(stat(log));
    await installer.forget(params().instance);
    await rm(pidFile);
  });

  it('keeps and tells only the end of what a script says', async () => {
    const { installer, params, log } = await make('yes filler | head -c 1500000; echo; echo the end; exit 1');
    await assert.rejects(installer.create(params(), never), { message: /the end$/ });
    for (const path of [log, `${log}.1`]) assert.ok((await stat(path)).size <= LOG_FILE_LIMIT);
    await installer.forget(params().instance);
    for (const path of [log, `${log}.1`]) await assert.rejects(stat(path), { code: 'ENOENT' });
  });
});
