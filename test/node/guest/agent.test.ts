import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { agentCommands } from '../../../lib/model/guest-agent/commands.ts';
import { Resources } from '../helpers.ts';
import { agentOf, Refusal } from './stage.ts';

describe('the agent of a guest', () => {
  const resources = new Resources();
  after(() => resources.close());

  it('is asked by the table: arguments are checked before, answers afterwards, newer members are kept', async () => {
    const { agent, scripted } = await agentOf(resources, (command) =>
      command === 'guest-get-osinfo' ? { name: 'Own', 'new-member': 5 } : { wrong: true },
    );
    assert.deepEqual(await agent.execute('guest-get-osinfo', {}), { name: 'Own', 'new-member': 5 });
    await assert.rejects(agent.raw('guest-file-read', { handle: 'secret', extra: 1 }), {
      code: 'wrong_input',
      message: /^guest-file-read: handle must be an integer/,
    });
    assert.deepEqual(scripted.asked.slice(1), ['guest-get-osinfo'], 'nothing wrong was sent');
    await assert.rejects(agent.raw('guest-get-host-name', {}), {
      code: 'guest_agent',
      message:
        "The guest agent answered guest-get-host-name with what is not of its protocol, at 'host-name'",
    });
  });

  it('has the codes of errors, with class and words of the agent in detail', async () => {
    const { agent } = await agentOf(resources, (command) => {
      if (command === 'guest-ping')
        throw new Refusal('The command guest-ping has not been found', 'CommandNotFound');
      if (command === 'guest-info')
        throw new Refusal('Command guest-info has been disabled', 'CommandNotFound');
      throw new Refusal("child process failed: 'my secret' of /opt/my");
    });
    await assert.rejects(agent.raw('guest-ping', {}), {
      code: 'unsupported',
      detail: 'CommandNotFound: The command guest-ping has not been found',
    });
    await assert.rejects(agent.raw('guest-info', {}), {
      code: 'forbidden',
      detail: 'CommandNotFound: Command guest-info has been disabled',
    });
    await assert.rejects(agent.raw('guest-get-time', {}, { hidden: ['/opt/my', 'my secret', ''] }), {
      code: 'guest_agent',
      detail: "GenericError: child process failed: '…' of …",
      message: "The guest agent refused guest-get-time: child process failed: '…' of …",
    });
  });

  it('cannot be asked while the guest is down, its port closed, or its file systems frozen', async () => {
    const { agent, state } = await agentOf(resources, () => ({}));
    state.frozen = true;
    await assert.rejects(agent.raw('guest-get-osinfo', {}), { code: 'conflict', message: /frozen/ });
    assert.deepEqual(await agent.raw('guest-ping', {}), {});
    const { port } = state;
    state.port = port && { ...port, isOpen: false };
    await assert.rejects(agent.raw('guest-ping', {}), { code: 'unavailable', message: /qemu-guest-agent/ });
    state.port = port && { ...port, isOpen: null };
    assert.deepEqual(await agent.raw('guest-ping', {}), {}, 'where it is not known, it is tried');
    state.port = null;
    await assert.rejects(agent.raw('guest-ping', {}), { code: 'conflict', message: /does not run/ });
  });

  it('sends commands that the table does not have', async () => {
    const { agent } = await agentOf(resources, (command, args) => ({ command, args }));
    assert.deepEqual(await agent.raw('guest-new', { a: [1] }), { command: 'guest-new', args: { a: [1] } });
  });

  it('takes an event for the success of a command without an answer, and no other one', async () => {
    const { agent } = await agentOf(resources, () => undefined);
    const suspended = agent.execute('guest-suspend-ram', {});
    await sleep(20);
    agent.onEvent('closed');
    const early = await Promise.race([suspended.then(() => 'ended'), sleep(30).then(() => 'waits')]);
    assert.equal(early, 'waits');
    agent.onEvent('suspended');
    assert.equal(await suspended, null);
    const down = agent.execute('guest-shutdown', { mode: 'halt' });
    await sleep(20);
    agent.onEvent('closed');
    assert.equal(await down, null);
  });
});

describe('the table of commands', () => {
  it('has the 26 commands of the schema of 2015 and all 44 of today', () => {
    assert.equal(Object.keys(agentCommands).length, 44);
    const numbers = (version: string) => version.split('.').map(Number) as [number, number];
    const old = Object.values(agentCommands).filter(({ since }) => {
      const [major, minor] = numbers(since);
      return major < 2 || (major === 2 && minor <= 3);
    });
    // guest-get-memory-blocks, -block-info and guest-set-memory-blocks came with 2.3, but not in the schema that is meant.
    assert.equal(old.length - 3, 26);
  });

  it('lets everything be read with a right of its own, and demands another one for each kind of change', () => {
    for (const [name, { reads, right, result }] of Object.entries(agentCommands)) {
      assert.equal(reads, right === 'guest-read', name);
      assert.equal(result === null, /shutdown|suspend/.test(name), name);
    }
  });
});
