import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { systemClock } from '../../../lib/base/clock.ts';
import { silentLogger } from '../../../lib/base/log.ts';
import type { GuestAgent } from '../../../lib/node/guest/agent.ts';
import { Freezes } from '../../../lib/node/guest/freezes.ts';
import { eventually } from '../../helpers/program.ts';
import { Resources } from '../helpers.ts';
import { agentOf, Refusal } from './stage.ts';

const uuid = '11111111-2222-4333-8444-555555555555';

describe('the watchdog of frozen file systems', () => {
  const resources = new Resources();
  after(() => resources.close());

  /** A guest with three file systems, and a worker's watchdog for it. `freezes.next()` is the next life of the worker. */
  async function open({ refuses = () => false }: { refuses?: (command: string) => boolean } = {}) {
    const guest = { frozen: 0, thaws: 0 };
    const folder = join(await resources.folder(), 'frozen');
    let freezes: Freezes | null = null;
    const made = await agentOf(resources, (command, args) => {
      if (refuses(command)) throw new Refusal('no');
      if (command === 'guest-fsfreeze-freeze') guest.frozen = 3;
      else if (command === 'guest-fsfreeze-freeze-list') guest.frozen = (args.mountpoints as string[]).length;
      else if (command === 'guest-fsfreeze-thaw') {
        const was = guest.frozen;
        guest.frozen = 0;
        guest.thaws += 1;
        return was;
      } else if (command === 'guest-fsfreeze-status') return guest.frozen > 0 ? 'frozen' : 'thawed';
      else return {};
      return guest.frozen;
    });
    const live = async (): Promise<Freezes> => {
      freezes?.close();
      freezes = new Freezes({
        ...{ folder, clock: systemClock, log: silentLogger, changed: () => undefined },
        agent: (wanted): GuestAgent | null => (wanted === uuid && made.state.port ? made.agent : null),
      });
      await freezes.open();
      resources.add(async () => freezes?.close());
      return freezes;
    };
    const notes = () => readdir(folder);
    return { ...made, guest, notes, live, freezes: await live() };
  }

  it('freezes all or some, says how many, and whether they stayed so until they were thawed', async () => {
    const { agent, freezes, guest, notes } = await open();
    assert.equal(await freezes.freeze(uuid, agent, { id: 'a', ttl: 60_000 }), 3);
    assert.deepEqual([freezes.has(uuid), await notes()], [true, [uuid]]);
    await assert.rejects(freezes.freeze(uuid, agent, { id: 'b', ttl: 60_000 }), { code: 'conflict' });
    assert.deepEqual(await freezes.thaw(uuid, agent, { id: 'b' }), { count: 0, held: false });
    assert.equal(await freezes.freeze(uuid, agent, { id: 'a', ttl: 60_000 }), 3, 'a call that is repeated');
    assert.deepEqual(await freezes.thaw(uuid, agent), { count: 3, held: true });
    assert.deepEqual([freezes.has(uuid), await notes()], [false, []]);
    assert.equal(await freezes.freeze(uuid, agent, { id: 'a', mountpoints: ['/'], ttl: 60_000 }), 1);
    guest.frozen = 0; // Windows thaws by itself
    assert.deepEqual(await freezes.thaw(uuid, agent), { count: 0, held: false });
    assert.deepEqual(await freezes.thaw(uuid, agent), { count: 0, held: false });
  });

  it('thaws when the time is over', async () => {
    const { agent, freezes, guest, notes } = await open();
    await freezes.freeze(uuid, agent, { id: 'a', ttl: 30 });
    await eventually('it thaws', async () => (freezes.has(uuid) ? null : true));
    assert.deepEqual([guest.frozen, await notes()], [0, []]);
  });

  it('thaws what an earlier worker left, and when nobody follows the facts any more', async () => {
    const { agent, freezes, guest, live } = await open();
    await freezes.freeze(uuid, agent, { id: 'a', ttl: 3_600_000 });
    const next = await live();
    assert.equal(next.has(uuid), true);
    await eventually('the next worker thaws', async () => (next.has(uuid) ? null : true));
    assert.equal(guest.frozen, 0);
    await next.freeze(uuid, agent, { id: 'a', ttl: 3_600_000 });
    next.thawAll();
    await eventually('it thaws', async () => (next.has(uuid) ? null : true));
    assert.equal(guest.frozen, 0);
  });

  it('tries again until the agent thaws, and gives up only with the end of the guest', async () => {
    let isDeaf = false;
    const { agent, freezes, guest, state } = await open({
      refuses: (command) => isDeaf && /thaw/.test(command),
    });
    await freezes.freeze(uuid, agent, { id: 'a', ttl: 10 });
    isDeaf = true;
    await assert.rejects(freezes.thaw(uuid, agent), { code: 'guest_agent' });
    assert.equal(freezes.has(uuid), true);
    isDeaf = false;
    await eventually('it thaws', async () => (freezes.has(uuid) ? null : true));
    assert.equal(guest.frozen, 0);
    await freezes.freeze(uuid, agent, { id: 'a', ttl: 3_600_000 });
    state.port = null;
    freezes.thawAll();
    await eventually('it is forgotten', async () => (freezes.has(uuid) ? null : true));
  });

  it('leaves nothing frozen and no note when a freeze fails, and asks nothing of a guest without an agent', async () => {
    const { agent, freezes, guest, notes, state } = await open({
      refuses: (command) => /-freeze$/.test(command),
    });
    await assert.rejects(freezes.freeze(uuid, agent, { id: 'a', ttl: 1000 }), { code: 'guest_agent' });
    assert.deepEqual([guest.thaws, freezes.has(uuid), await notes()], [1, false, []]);
    state.port = null;
    await assert.rejects(freezes.freeze(uuid, agent, { id: 'a', ttl: 1000 }), { code: 'conflict' });
    assert.deepEqual([freezes.has(uuid), await notes()], [false, []]);
  });
});
