import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { silentLogger } from '../../../lib/base/log.ts';
import { systemWorld } from '../../../lib/base/world.ts';
import { hypervisors as kinds } from '../../../lib/model/hvparams/index.ts';
import { instanceExecutors } from '../../../lib/node/executors/instance.ts';
import { migrationExecutors } from '../../../lib/node/executors/migration.ts';
import { GuestAgents } from '../../../lib/node/guest/agents.ts';
import type { Hypervisor } from '../../../lib/node/hypervisors/define.ts';
import { createHypervisors, Hypervisors, isSimulated } from '../../../lib/node/hypervisors/registry.ts';
import { OsInstaller } from '../../../lib/node/os/installer.ts';
import { simulatedPower } from '../../../lib/node/power.ts';
import { StoragePaths } from '../../../lib/node/storage/paths.ts';
import { createStorage } from '../../../lib/node/storage/registry.ts';
import type { GuestFacts, InstanceTarget } from '../../../lib/rpc/types.ts';
import { fileDisk, instanceTarget, Resources } from '../helpers.ts';
import { NotedNetwork } from './kvm-helpers.ts';
import { abilitiesOf } from './stage.ts';

/** A driver that has what each must have, and no ability. */
class Bare implements Hypervisor {
  readonly kind = 'xen-pvm';
  readonly deeds: string[] = [];

  async open(): Promise<void> {}
  async close(): Promise<void> {}
  guests(): readonly GuestFacts[] {
    return [];
  }
  async start(): Promise<void> {
    this.deeds.push('start');
  }
  async stop(): Promise<void> {
    this.deeds.push('stop');
  }
  async reset(): Promise<void> {
    this.deeds.push('reset');
  }
  async forget(): Promise<void> {}
  onChange(): void {}
}

const context = { signal: new AbortController().signal, tell: () => undefined };

describe('the hypervisors of a node', () => {
  const resources = new Resources();
  after(() => resources.close());

  const create = async (...names: ('fake' | 'kvm')[]) =>
    createHypervisors(names, {
      folder: await resources.folder(),
      network: new NotedNetwork(),
      log: silentLogger,
    });

  it('are simulated where their driver says so of itself', async () => {
    assert.deepEqual(kinds.filter(isSimulated), ['fake']);
    const cases: [('fake' | 'kvm')[], boolean, boolean][] = [
      [['fake'], true, true],
      [['kvm', 'fake'], true, false],
      [['kvm'], false, false],
    ];
    for (const [names, some, all] of cases) {
      const { simulatesSome, simulatesAll } = await create(...names);
      assert.deepEqual([simulatesSome, simulatesAll], [some, all], names.join());
    }
    assert.equal((await create('fake')).isSimulated('fake'), true);
    const unknown = { code: 'hypervisor', message: /does not run hypervisor 'kvm'; it runs: fake/ };
    const fake = await create('fake');
    assert.throws(() => fake.isSimulated('kvm'), unknown);
  });

  it('need a driver each', async () => {
    const options = { folder: '/nowhere', network: new NotedNetwork(), log: silentLogger };
    const refused = { code: 'wrong_input', message: /no driver for hypervisor 'lxc'; there are: fake, kvm/ };
    assert.throws(() => createHypervisors(['lxc'], options), refused);
  });

  describe('whose driver has no abilities', () => {
    const web: InstanceTarget = instanceTarget({ hypervisor: 'xen-pvm' });

    async function open() {
      const root = await resources.folder();
      const storage = createStorage(new StoragePaths([root], []), null);
      const installer = new OsInstaller(await resources.folder(), storage);
      const driver = new Bare();
      const hypervisors = new Hypervisors([driver]);
      const agents = new GuestAgents({
        ...{ folder: await resources.folder(), hypervisors, log: silentLogger, ...systemWorld },
        changed: () => undefined,
      });
      const calls = {
        ...instanceExecutors({ hypervisors, storage, installer, agents }),
        ...migrationExecutors(hypervisors, storage),
      };
      return { root, storage, driver, hypervisors, calls };
    }

    it('does what needs no ability, and has nothing to do for what guests need nobody for', async () => {
      const { driver, hypervisors, calls, storage, root } = await open();
      assert.deepEqual(abilitiesOf(driver), []);
      await calls['instance.check']({ instance: web }, context);
      await calls['instance.start']({ instance: web, paused: false }, context);
      await calls['instance.reboot']({ instance: web, kind: 'soft', timeout: 0 }, context);
      await calls['instance.reboot']({ instance: web, kind: 'hard', timeout: 0 }, context);
      const disk = fileDisk(`${root}/disk`);
      await storage.of(disk).create(disk);
      await calls['instance.resize']({ instance: { ...web, disks: [disk] }, disk: 0 }, context);
      await simulatedPower(hypervisors).cycle();
      assert.deepEqual(driver.deeds, ['start', 'reset', 'stop', 'start']);
    });

    it('refuses what needs one, naming the hypervisor, what it cannot do, and what can be done', async () => {
      const { calls } = await open();
      const nic = {
        ...{ uuid: 'nic', name: null, mac: 'aa:00:00:00:00:01', ip: null },
        nicparams: { mode: 'bridged', link: 'br0', vlan: '' },
      };
      const full = { ...web, nics: [nic] };
      const refusals: [() => Promise<unknown>, RegExp][] = [
        [() => calls['instance.memory']({ instance: web, memory: 8 }, context), /change their memory; shut/],
        [
          () => calls['instance.plug']({ instance: full, device: 'nic' }, context),
          /get or lose devices; shut/,
        ],
        [
          () => calls['instance.unplug']({ instance: full, device: 'nic' }, context),
          /get or lose devices; shut/,
        ],
        [
          () => calls['migration.receive']({ instance: web }, context),
          /be migrated; shut the instance down, or fail/,
        ],
        [() => calls['migration.send']({ instance: web, to: '' }, context), /be migrated; shut/],
        [() => calls['migration.resume']({ instance: web }, context), /be migrated; shut/],
      ];
      for (const [call, words] of refusals) {
        const message = new RegExp(`^Running guests of xen-pvm cannot ${words.source}`);
        await assert.rejects(async () => call(), { code: 'hypervisor', message });
      }
    });
  });
});
