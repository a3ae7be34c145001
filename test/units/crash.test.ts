import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { SYSTEM } from '../../lib/access/principal.ts';
import { MerapiError } from '../../lib/base/errors.ts';
import { stringifyJson } from '../../lib/base/json.ts';
import { opcodes } from '../../lib/opcodes/registry.ts';
import { TestCluster } from '../helpers/cluster.ts';
import { backupScenarios } from './crash/backup.ts';
import { changeScenarios } from './crash/change.ts';
import { clusterScenarios } from './crash/cluster.ts';
import { create, type Scenario } from './crash/define.ts';
import { diskScenarios } from './crash/disks.ts';
import { groupScenarios } from './crash/group.ts';
import { instanceScenarios } from './crash/instance.ts';
import { moveScenarios } from './crash/move.ts';
import { networkScenarios } from './crash/network.ts';
import { nodeScenarios } from './crash/node.ts';
import { crashPlaces, dieAtRecord, failingCalls } from './crash/places.ts';
import { tagScenarios } from './crash/tags.ts';
import { testScenarios } from './crash/test.ts';
import { stateOf, withoutChance, withoutNodes } from './state.ts';

const scenarios: Scenario[] = [
  // a line for each file
  ...backupScenarios,
  ...instanceScenarios,
  ...diskScenarios,
  ...clusterScenarios,
  ...groupScenarios,
  ...moveScenarios,
  ...nodeScenarios,
  ...changeScenarios,
  ...networkScenarios,
  ...tagScenarios,
  ...testScenarios,
];

/** Opcodes that change nothing, and the one whose own suite follows. */
const elsewhere = [
  'OP_BACKUP_PREPARE', // makes a certificate that goes by itself
  'OP_CLUSTER_REDIST_CONF',
  'OP_INSTANCE_MULTI_ALLOC', // only submits jobs
  'OP_NODE_EVACUATE', // only submits jobs
  'OP_GROUP_EVACUATE', // only submits jobs
  'OP_INSTANCE_CHANGE_GROUP', // only submits jobs
  'OP_TEST_ALLOCATOR',
  'OP_NODE_MIGRATE', // only submits jobs
  'OP_CLUSTER_POST_INIT',
  'OP_NODE_QUERY_STORAGE',
  'OP_INSTANCE_QUERY_DATA',
  'OP_INSTANCE_CONSOLE',
  'OP_OS_DIAGNOSE',
  'OP_NODE_ADD',
  // What a guest does through its agent; simulated guests have none (test/units/guest).
  'OP_GUEST_EXEC',
  'OP_GUEST_FILE_WRITE',
  'OP_GUEST_FSFREEZE',
  'OP_GUEST_FSTHAW',
  'OP_GUEST_FSTRIM',
  'OP_GUEST_POWER',
  'OP_GUEST_SET_MEMBLOCKS',
  'OP_GUEST_SET_PASSWORD',
  'OP_GUEST_SET_TIME',
  'OP_GUEST_SET_VCPUS',
  'OP_GUEST_SSH_KEYS',
];

test('every opcode that changes something is crashed here', () => {
  const covered = new Set([...scenarios.map(({ op }) => op.OP_ID), ...elsewhere]);
  assert.deepEqual(
    Object.keys(opcodes).filter((id) => !covered.has(id)),
    [],
  );
});

describe('units that fail or are cut off', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await TestCluster.start(['node1', 'node2', 'node3'], [], {
      enabled_disk_templates: ['file', 'diskless', 'drbd'],
    });
  });
  after(() => cluster.close());

  for (const scenario of scenarios) {
    test(`${scenario.name}: a failing node call leaves everything as it was`, () =>
      failEachCall(cluster, scenario));
    test(`${scenario.name}: after a crash at any record it ends as it would have`, () =>
      crashAtEachRecord(cluster, scenario));
  }
});

async function prepare(cluster: TestCluster, scenario: Scenario): Promise<void> {
  for (const op of scenario.setup) await cluster.done(op);
  await scenario.disturb?.(cluster);
}

async function failEachCall(cluster: TestCluster, scenario: Scenario): Promise<void> {
  const base = withoutChance(await stateOf(cluster));
  for (const failing of failingCalls()) {
    await prepare(cluster, scenario);
    const before = await stateOf(cluster);
    let calls = 0;
    let failed = '';
    cluster.gate.call = async (name, make) => {
      if (calls++ !== failing) return make();
      failed = name;
      throw new MerapiError('execution', `call ${failing} (${name}) was made to fail`);
    };
    const job = await cluster.run(scenario.op);
    cluster.gate.call = undefined;
    if (scenario.tolerates?.includes(failed) && job.status === 'success') {
      for (const op of scenario.cleanup) await cluster.run(op);
      await prepare(cluster, scenario);
      await cluster.done(scenario.op);
      for (const op of scenario.cleanup) await cluster.run(op);
      await scenario.tidy?.(cluster);
      continue;
    }
    const isHit = calls > failing;
    assert.equal(
      job.status,
      isHit ? 'error' : 'success',
      `call ${failing} (${failed}): ${stringifyJson(job.ops.map((op) => op.failure))}`,
    );
    if (isHit && !scenario.irreversible)
      assert.deepEqual(await stateOf(cluster), before, `after failing call ${failing}`);
    if (isHit && scenario.irreversible) await cluster.done(scenario.op);
    for (const op of scenario.cleanup) await cluster.run(op);
    assert.deepEqual(
      withoutChance(await stateOf(cluster)),
      base,
      `something is left of the run with failing call ${failing}`,
    );
    if (!isHit) return;
  }
}

async function crashAtEachRecord(cluster: TestCluster, scenario: Scenario): Promise<void> {
  const base = withoutChance(await stateOf(cluster));
  await prepare(cluster, scenario);
  const undisturbed = await cluster.done(scenario.op);
  const pure = (state: unknown) =>
    scenario.anyNode ? withoutNodes(withoutChance(state)) : withoutChance(state);
  const wanted = pure(await stateOf(cluster));
  for (const op of scenario.cleanup) await cluster.run(op);
  for (const refused of crashPlaces()) {
    await prepare(cluster, scenario);
    const { id, isHit } = await dieAtRecord(cluster, refused, scenario.op);
    const job = await cluster.ended(id);
    assert.equal(
      job.status,
      'success',
      `crash at record ${refused}: ${stringifyJson(job.ops.map((op) => op.failure))}`,
    );
    assert.deepEqual(pure(job.ops[0]?.result), pure(undisturbed.ops[0]?.result));
    assert.deepEqual(pure(await stateOf(cluster)), wanted, `after the crash at record ${refused}`);
    for (const op of scenario.cleanup) await cluster.run(op);
    assert.deepEqual(
      withoutChance(await stateOf(cluster)),
      base,
      `something is left of the crash at record ${refused}`,
    );
    if (!isHit) return;
  }
}

test('a crash at any record of an undo: the undo is completed', async () => {
  const cluster = await TestCluster.start();
  try {
    cluster.gate.call = async (name, make) => {
      if (name === 'instance.start') throw new MerapiError('hypervisor', 'it does not start');
      return make();
    };
    const before = await stateOf(cluster);
    for (const refused of crashPlaces()) {
      const { id, isHit } = await dieAtRecord(cluster, refused, create);
      const job = await cluster.ended(id);
      assert.deepEqual(job.ops[0]?.failure, { code: 'hypervisor', message: 'it does not start' });
      assert.deepEqual(await stateOf(cluster), before, `after the crash at record ${refused}`);
      if (!isHit) break;
    }
  } finally {
    await cluster.close();
  }
});

test('adding a node survives a crash at any record', async () => {
  const spare = ['spare1', 'spare2', 'spare3', 'spare4'];
  const cluster = await TestCluster.start(['node1'], spare);
  try {
    for (const [refused, node_name] of spare.entries()) {
      const op = { OP_ID: 'OP_NODE_ADD', node_name, primary_ip: `203.0.113.${refused + 1}` };
      const { id } = await dieAtRecord(cluster, refused, op);
      assert.equal((await cluster.ended(id)).status, 'success');
      const { data } = await cluster.manager.query(
        SYSTEM,
        'node',
        ['role', 'mtotal'],
        ['=', 'name', node_name],
      );
      assert.deepEqual(
        data[0]?.map((cell) => cell[0]),
        [0, 0],
        'the new node is known with its facts',
      );
    }
  } finally {
    await cluster.close();
  }
});
