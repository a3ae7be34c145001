import assert from 'node:assert/strict';
import { appendFile, chmod, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { SYSTEM } from '../../lib/access/principal.ts';
import { MerapiError } from '../../lib/base/errors.ts';
import { type HookPlan, planHooks, runPre } from '../../lib/jobs/hooks.ts';
import type { Job } from '../../lib/model/job.ts';
import { RuntimeTable } from '../../lib/rpc/runtime.ts';
import { TestCluster } from '../helpers/cluster.ts';
import { create, instance_name, removal } from './crash/define.ts';
import { crashPlaces } from './crash/places.ts';

const names = ['node1', 'node2', 'node3'];
/** Keeps what it is told in a file of the node's folder, and counts how often it runs. */
const keeps = `env | sort > "$GANETI_DATA_DIR/told-$GANETI_HOOKS_PHASE"; echo x >> "$GANETI_DATA_DIR/ran-$GANETI_HOOKS_PHASE"`;
const addGroup = { OP_ID: 'OP_GROUP_ADD', group_name: 'rack2' };
const removeGroup = { OP_ID: 'OP_GROUP_REMOVE', group_name: 'rack2' };

describe('hooks', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await TestCluster.start(names);
  });
  after(() => cluster.close());
  afterEach(async () => {
    for (const name of names)
      for (const file of ['hooks', 'told-pre', 'told-post', 'ran-pre', 'ran-post'])
        await rm(join(cluster.folder(name), file), { recursive: true, force: true });
    await refresh();
  });

  /** Lets the master know of the scripts. */
  const refresh = async () => {
    for (const node of cluster.store.view.nodes.list())
      await cluster.tools.nodes.call(node, 'node.facts', {});
  };
  const script = async (node: string, hook: string, text = keeps, name = '10-test', mode = 0o755) => {
    const folder = join(cluster.folder(node), 'hooks', `${hook}.d`);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, name), `#!/bin/sh\n${text}\n`);
    await chmod(join(folder, name), mode);
    await refresh();
  };
  const readOrNull = (node: string, file: string) =>
    readFile(join(cluster.folder(node), file), 'utf8').catch(() => null);
  const told = async (node: string, phase: string) => {
    const text = await readOrNull(node, `told-${phase}`);
    if (text === null) return null;
    return Object.fromEntries(
      text
        .trim()
        .split('\n')
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    ) as Record<string, string>;
  };
  const logOf = (job: Job) => job.ops.flatMap((op) => op.log.map((entry) => entry.text));
  const calls = async (run: () => Promise<unknown>) => {
    const seen: string[] = [];
    cluster.gate.call = (name, make) => {
      seen.push(name);
      return make();
    };
    await run();
    cluster.gate.call = undefined;
    return seen.filter((name) => name === 'hooks.run').length;
  };

  it('are told of an instance before and after its creation, on the master node and its own', async () => {
    for (const name of names)
      for (const phase of ['pre', 'post']) await script(name, `instance-add-${phase}`);
    await cluster.done({ ...create, pnode: 'node2', tags: ['a', 'b'] });
    assert.equal(await told('node3', 'pre'), null);
    const pre = await told('node1', 'pre');
    assert.deepEqual(pre, await told('node2', 'pre').then((other) => ({ ...other, ...only(pre) })));
    const expected = {
      GANETI_HOOKS_VERSION: '2',
      GANETI_HOOKS_PATH: 'instance-add',
      GANETI_HOOKS_PHASE: 'pre',
      GANETI_OP_CODE: 'OP_INSTANCE_CREATE',
      GANETI_OP_TARGET: instance_name,
      GANETI_OBJECT_TYPE: 'INSTANCE',
      GANETI_CLUSTER: 'test.example.com',
      GANETI_MASTER: 'node1',
      GANETI_DATA_DIR: cluster.folder('node1'),
      GANETI_ADD_MODE: 'create',
      GANETI_INSTANCE_NAME: instance_name,
      GANETI_INSTANCE_PRIMARY: 'node2',
      GANETI_INSTANCE_SECONDARIES: '',
      GANETI_INSTANCE_STATUS: 'up',
      GANETI_INSTANCE_TAGS: 'a b',
      GANETI_INSTANCE_DISK_COUNT: '2',
      GANETI_INSTANCE_DISK1_SIZE: '4',
      GANETI_INSTANCE_DISK1_MODE: 'ro',
      GANETI_INSTANCE_NIC_COUNT: '1',
      GANETI_INSTANCE_NIC0_MODE: 'bridged',
      GANETI_INSTANCE_BE_auto_balance: 'True',
      PATH: '/sbin:/bin:/usr/sbin:/usr/bin',
    };
    assert.deepEqual({ ...pre, ...expected }, pre);
    const post = await told('node2', 'post');
    assert.equal(post?.GANETI_HOOKS_PHASE, 'post');
    assert.equal(post?.GANETI_POST_INSTANCE_STATUS, 'up');
    assert.equal(post?.GANETI_INSTANCE_NIC0_MAC, post?.GANETI_POST_INSTANCE_NIC0_MAC);
    assert.equal(
      Object.keys(pre ?? {}).some((name) => name.startsWith('GANETI_POST_')),
      false,
    );
    await cluster.done(removal);
  });

  const only = (env: Record<string, string> | null) =>
    Object.fromEntries(
      Object.entries(env ?? {}).filter(([name]) => ['GANETI_DATA_DIR', 'PWD', '_', 'OLDPWD'].includes(name)),
    );

  it('that fail before an opcode end it with HooksAbort, and nothing has happened', async () => {
    await script('node1', 'group-add-pre', 'echo not today; exit 3');
    await script('node1', 'group-add-post');
    const job = await cluster.run(addGroup);
    assert.equal(job.status, 'error');
    assert.equal(job.ops[0]?.failure?.code, 'hooks_abort');
    assert.match(job.ops[0]?.failure?.message ?? '', /10-test on node1 failed: exit code 3\nnot today/);
    assert.equal(cluster.store.view.groups.named('rack2'), undefined);
    assert.equal(await told('node1', 'post'), null);
  });

  it('refuse a dry run as well', async () => {
    await script('node1', 'group-add-pre', 'exit 1');
    assert.equal((await cluster.run({ ...addGroup, dry_run: true })).status, 'error');
  });

  it('that fail after an opcode stand in its log', async () => {
    await script('node1', 'group-add-post', 'echo too late >&2; exit 1');
    const job = await cluster.done(addGroup);
    assert.deepEqual(logOf(job), ['Hook group-add-post: 10-test on node1 failed: exit code 1\ntoo late']);
    await cluster.done(removeGroup);
  });

  it('see the changes when they run after it, and run in the order of their names', async () => {
    await script('node1', 'group-modify-post', 'echo first', '05_first');
    await script('node1', 'group-modify-post', keeps);
    await script('node1', 'group-modify-post', 'exit 1', 'script.sh');
    await script('node1', 'group-modify-post', 'exit 1', 'no-program', 0o644);
    const change = { OP_ID: 'OP_GROUP_SET_PARAMS', group_name: 'default', alloc_policy: 'last_resort' };
    assert.deepEqual(logOf(await cluster.done(change)), [
      'Hook group-modify-post: 05_first on node1 succeeded: first',
      'Hook group-modify-post: 10-test on node1 succeeded',
    ]);
    assert.equal((await told('node1', 'post'))?.GANETI_NEW_ALLOC_POLICY, 'last_resort');
    await cluster.done({ ...change, alloc_policy: 'preferred' });
  });

  it('cost no call where a node has no script for them', async () => {
    assert.equal(await calls(() => cluster.done(addGroup)), 0);
    await script('node2', 'group-add-pre');
    await script('node1', 'instance-add-pre');
    assert.equal(await calls(() => cluster.done(removeGroup)), 0);
    assert.equal(await calls(() => cluster.done(addGroup)), 0, 'node2 is not concerned');
    await script('node1', 'group-remove-pre');
    assert.equal(await calls(() => cluster.done(removeGroup)), 1);
  });

  /** How an opcode ends that the hook before it cannot be asked about: nothing has been done. */
  const refused = async (words: RegExp) => {
    const job = await cluster.run(addGroup);
    assert.deepEqual([job.status, job.ops[0]?.failure?.code], ['error', 'hooks_abort'], logOf(job).join());
    assert.match(job.ops[0]?.failure?.message ?? '', words);
    assert.equal(cluster.store.view.groups.named('rack2'), undefined);
  };

  it('refuse when the call fails, for whatever reason', async () => {
    await script('node1', 'group-add-pre', 'exit 0');
    for (const error of [
      new Error('gone'),
      new MerapiError('node_unreachable', 'gone'),
      new MerapiError('timeout', 'gone'),
    ]) {
      cluster.gate.call = async (name, make) => {
        if (name === 'hooks.run') throw error;
        return make();
      };
      await refused(/group-add-pre on node1 could not be run/);
    }
    cluster.gate.call = undefined;
  });

  it('refuse when a node that had some does not answer any more', async () => {
    await script('node1', 'group-add-pre', 'exit 0');
    const master = cluster.store.view.cluster.master_node;
    cluster.gate.call = async (name, make) => {
      cluster.runtime.drop(master);
      if (name === 'hooks.run') throw new MerapiError('node_unreachable', 'gone');
      return make();
    };
    cluster.runtime.drop(master);
    await refused(/group-add-pre on node1 could not be run: gone/);
    cluster.gate.call = undefined;
  });

  it('refuse when the master node has told nothing yet and does not answer', async () => {
    const silent = new RuntimeTable();
    const { view } = cluster.tools;
    const describe = () => ({
      ...{ name: 'group-add', object: 'GROUP' as const, target: 'rack2', env: {} },
      ...{ pre: [view.cluster.master_node], post: [] },
    });
    const plan = planHooks(addGroup, describe, { view, runtime: silent });
    assert.deepEqual(
      plan?.asked.map(({ name }) => name),
      ['node1'],
    );
    const context = (answer: () => Promise<unknown>) => ({ log: () => undefined, call: answer }) as never;
    await assert.rejects(
      runPre(
        context(() => Promise.reject(new MerapiError('node_unreachable', 'gone'))),
        plan as HookPlan,
      ),
      { code: 'hooks_abort', message: /could not be run: gone/ },
    );
    await runPre(
      context(async () => ({ results: [] })),
      plan as HookPlan,
    );
  });

  it('refuse when their program cannot be started', async () => {
    const hook = join(cluster.folder('node1'), 'hooks', 'group-add-pre.d');
    const make: Record<string, [() => Promise<unknown>, RegExp]> = {
      'no interpreter': [() => writeFile(join(hook, 'a'), '#!/nowhere/sh\n', { mode: 0o755 }), /ENOENT/],
      'no program': [() => writeFile(join(hook, 'a'), '\x7fELF nonsense', { mode: 0o755 }), /exit code/],
      'a link to nothing': [() => symlink('/nowhere/script', join(hook, 'a')), /ENOENT/],
      'a link in a circle': [() => symlink('a', join(hook, 'a')), /ELOOP/],
    };
    for (const [what, [prepare, words]] of Object.entries(make)) {
      await rm(hook, { recursive: true, force: true });
      await mkdir(hook, { recursive: true });
      await prepare();
      await refresh();
      await refused(words);
      assert.ok(what);
    }
  });

  it('refuse when their folder cannot be read', async () => {
    const hooks = join(cluster.folder('node1'), 'hooks');
    await mkdir(hooks, { recursive: true });
    await writeFile(join(hooks, 'group-add-pre.d'), '');
    await refresh();
    await refused(/group-add-pre\.d cannot be read/);
    await rm(hooks, { recursive: true });
    await writeFile(hooks, '');
    await refresh();
    await refused(/could not be run/);
  });

  it('refuse when the script has vanished', async () => {
    await script('node1', 'group-add-pre', 'exit 0');
    await rm(join(cluster.folder('node1'), 'hooks', 'group-add-pre.d', '10-test'));
    await refused(/now has none/);
  });

  for (const [name, op, undo, hook] of [
    ['a node group', addGroup, removeGroup, 'group-add'],
    ['an instance', create, removal, 'instance-add'],
    ['a removal', removal, create, 'instance-remove'],
  ] as const)
    it(`survive a crash at any record, each run once: ${name}`, async () => {
      if (op === removal) await cluster.done(create);
      for (const phase of ['pre', 'post']) await script('node1', `${hook}-${phase}`);
      for (const refused of crashPlaces()) {
        for (const phase of ['pre', 'post'])
          await rm(join(cluster.folder('node1'), `ran-${phase}`), { force: true });
        let commits = 0;
        const dead = new Promise<void>((resolve) => {
          cluster.gate.refusesCommit = () => {
            if (commits++ < refused + 1) return false; // the first one stores the job itself
            resolve();
            return true;
          };
        });
        const id = await cluster.manager.submit(SYSTEM, [op]);
        const isHit = await Promise.race([dead.then(() => true), cluster.ended(id).then(() => false)]);
        await cluster.restart();
        const job = await cluster.ended(id);
        assert.equal(job.status, 'success', `crash at record ${refused}`);
        for (const phase of ['pre', 'post'])
          assert.equal(await readOrNull('node1', `ran-${phase}`), 'x\n', `${phase}, record ${refused}`);
        assert.equal(logOf(job).filter((line) => line.startsWith('Hook ')).length, 2);
        await refresh();
        await cluster.done(undo);
        if (!isHit) break;
      }
      if (op === removal) await cluster.done(removal);
    });

  it('are known to the master without a call, within seconds', async () => {
    const folder = join(cluster.folder('node1'), 'hooks', 'group-add-pre.d');
    await mkdir(folder, { recursive: true });
    await appendFile(join(folder, 'late'), '#!/bin/sh\nexit 1\n');
    await chmod(join(folder, 'late'), 0o755);
    const master = cluster.store.view.cluster.master_node;
    await new Promise<void>((resolve) => {
      const isKnown = () => cluster.runtime.of(master)?.node.hooks?.includes('group-add-pre');
      const stop = cluster.runtime.subscribe(() => {
        if (!isKnown()) return;
        stop();
        resolve();
      });
      if (isKnown()) resolve();
    });
    assert.equal((await cluster.run(addGroup)).status, 'error');
  });
});
