import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { systemClock } from '../../../lib/base/clock.ts';
import { systemRandom } from '../../../lib/base/random.ts';
import { AgentChannel } from '../../../lib/node/guest/channel.ts';
import { inTime } from '../../helpers/patience.ts';
import { Resources } from '../helpers.ts';
import { answer, type Script, ScriptedAgent, synced } from './scripted.ts';

const PING = { name: 'guest-ping', args: {}, timeout: 60_000, size: 1000 };

describe('the channel of a guest agent', () => {
  const resources = new Resources();
  after(() => resources.close());

  async function open(script: Script) {
    const agent = await ScriptedAgent.start(resources, script);
    const channel = new AgentChannel(agent.path, { clock: systemClock, random: systemRandom });
    resources.add(async () => channel.close());
    return { agent, channel };
  }

  it('synchronises once, and sends commands one at a time', async () => {
    let under = 0;
    const { agent, channel } = await open((asked, socket) => {
      if (synced(asked, socket)) return;
      under += 1;
      assert.equal(under, 1);
      setTimeout(() => {
        under -= 1;
        answer(socket, { return: asked.arguments });
      }, 5);
    });
    const replies = await Promise.all([1, 2, 3].map((n) => channel.execute({ ...PING, args: { n } })));
    assert.deepEqual(
      replies,
      [1, 2, 3].map((n) => ({ value: { n } })),
    );
    assert.deepEqual(agent.asked, ['guest-sync-delimited', ...Array(3).fill('guest-ping')]);
  });

  it('skips what was meant for others: answers, halves, errors and sentinels before its own', async () => {
    const { channel } = await open((asked, socket) => {
      if (asked.execute !== 'guest-sync-delimited') return answer(socket, { return: 'right' });
      socket.write('{"return": "stale"}\n{"return": "half');
      socket.write(Buffer.from('\n{"error":{"class":"GenericError","desc":"stray"}}\n'));
      socket.write(Buffer.concat([Buffer.of(0xff), Buffer.from('{"return": 5}\n{"return": "late"}\n')]));
      synced(asked, socket);
    });
    assert.deepEqual(await channel.execute(PING), { value: 'right' });
  });

  it('keeps integers of 64 bits', async () => {
    const { channel } = await open((asked, socket) => {
      if (!synced(asked, socket)) socket.write('{"return": 1798757105123456789}\n');
    });
    assert.deepEqual(await channel.execute(PING), { value: 1798757105123456789n });
  });

  it('fails a command without an answer in time, and does not take the late answer for that of the next', async () => {
    let slow: (() => void) | null = null;
    const { channel } = await open((asked, socket) => {
      if (asked.execute === 'slow') slow = () => answer(socket, { return: 'late' });
      else {
        slow?.();
        slow = null;
        if (!synced(asked, socket)) answer(socket, { return: 'own' });
      }
    });
    await assert.rejects(channel.execute({ ...PING, name: 'slow', timeout: 30 }), {
      code: 'timeout',
      message: 'The guest agent did not answer slow within 0.03 s',
    });
    assert.deepEqual(await channel.execute(PING), { value: 'own' });
  });

  it('counts the wait for earlier commands as a part of the time', async () => {
    const { channel } = await open((asked, socket) => void synced(asked, socket));
    const first = channel.execute({ ...PING, timeout: 300 });
    const before = performance.now();
    await assert.rejects(channel.execute({ ...PING, timeout: 30 }), { code: 'timeout' });
    assert.ok(performance.now() - before < 290, 'it did not wait for the first one');
    await assert.rejects(first, { code: 'timeout' });
  });

  it('gives up when nobody answers a synchronisation, and connects again for the next command', async () => {
    let isDeaf = true;
    const { agent, channel } = await open((asked, socket) => {
      if (!isDeaf && !synced(asked, socket)) answer(socket, { return: 1 });
    });
    await assert.rejects(channel.execute({ ...PING, timeout: 50 }), { code: 'timeout' });
    isDeaf = false;
    assert.deepEqual(await channel.execute(PING), { value: 1 });
    assert.equal(agent.connections, 2);
  });

  it('tells a missing socket, a closed connection, and an answer that is none', async () => {
    const nobody = new AgentChannel('/nonexistent/agent.sock', { clock: systemClock, random: systemRandom });
    await assert.rejects(nobody.execute(PING), { code: 'unavailable', message: /cannot be reached/ });
    const { channel } = await open((asked, socket) => {
      if (synced(asked, socket)) return;
      if (asked.execute === 'close') socket.destroy();
      else if (asked.execute === 'garbage') socket.write('}{\n');
      else if (asked.execute === 'empty') socket.write('{}\n');
      else answer(socket, { error: { class: 'GenericError', desc: 'no' } });
    });
    await assert.rejects(channel.execute({ ...PING, name: 'close' }), { code: 'unavailable' });
    for (const name of ['garbage', 'empty'])
      await assert.rejects(channel.execute({ ...PING, name }), { code: 'guest_agent' });
    assert.deepEqual(await channel.execute(PING), { error: { class: 'GenericError', desc: 'no' } });
  });

  it('reads no more than an answer may have', async () => {
    const { channel } = await open((asked, socket) => {
      if (synced(asked, socket)) return;
      socket.write(`{"return": "${'x'.repeat(5000)}`);
    });
    await assert.rejects(channel.execute(PING), { code: 'guest_agent', message: /more than the 1000 bytes/ });
  });

  it('ends the connection of a guest that sends without end what nobody asked for', async () => {
    const { agent, channel } = await open((asked, socket) => {
      if (synced(asked, socket)) return;
      answer(socket, { return: 1 });
      socket.write('y'.repeat(200_000));
    });
    assert.deepEqual(await channel.execute(PING), { value: 1 });
    await sleep(50);
    assert.deepEqual(await channel.execute(PING), { value: 1 });
    assert.equal(agent.connections, 2);
  });

  it('ends a wait by its signal, and lets only so many commands wait', async () => {
    const { channel } = await open((asked, socket) => void synced(asked, socket));
    const stop = new AbortController();
    const waiting = Array.from({ length: 64 }, () => channel.execute({ ...PING, signal: stop.signal }));
    await assert.rejects(channel.execute(PING), { code: 'unavailable', message: /64 commands wait/ });
    const reason = new Error('enough');
    stop.abort(reason);
    for (const wait of waiting) await assert.rejects(wait, reason);
  });

  it('takes an event or the end of the connection for the success of a command without an answer', async () => {
    const { channel } = await open((asked, socket) => {
      if (synced(asked, socket)) return;
      if (asked.execute === 'guest-shutdown') setTimeout(() => socket.destroy(), 10);
      if (asked.execute === 'refused') answer(socket, { error: { class: 'GenericError', desc: 'never' } });
    });
    const never = new Promise(() => undefined);
    const silent = (name: string, success: Promise<unknown>) =>
      inTime(channel.execute({ ...PING, name, success }), () => name);
    assert.deepEqual(await silent('guest-suspend-ram', sleep(10)), { value: null });
    assert.deepEqual(await silent('guest-shutdown', never), { value: null });
    assert.deepEqual(await silent('refused', never), { error: { class: 'GenericError', desc: 'never' } });
    await assert.rejects(channel.execute({ ...PING, name: 'nothing', success: never, timeout: 20 }), {
      code: 'timeout',
    });
  });

  it('survives any bytes at any moment: each command ends, and a right agent is understood afterwards', async () => {
    const runs = process.env.MERAPI_WHOLE === '1' ? 100_000 : 1000;
    const wire = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      fc.json().map((text) => Buffer.from(`${text}\n`)),
      fc
        .constantFrom(
          '{"return":',
          '\n',
          '"',
          '\xff',
          '\xff{"return":1}\n',
          '{"error":{}}\n',
          '{"return":{}}\n',
        )
        .map((text) => Buffer.from(text, 'latin1')),
    );
    let script: { at: string; parts: Buffer[]; closes: boolean } | null = null;
    const { channel } = await open((asked, socket) => {
      const now = script;
      if (now && (now.at === 'any' || now.at === asked.execute)) {
        script = null;
        for (const part of now.parts) socket.write(part);
        if (now.closes) return void socket.destroy();
      }
      if (!synced(asked, socket)) answer(socket, { return: 'right' });
    });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('any', 'guest-sync-delimited', 'guest-ping'),
        fc.array(wire, { maxLength: 6 }),
        fc.boolean(),
        async (at, parts, closes) => {
          script = { at, parts, closes };
          await inTime(
            channel.execute({ ...PING, timeout: 1000 }).catch(() => null),
            () => 'an end',
          );
          script = null;
          // What was left over may end one more command, but not another.
          await channel.execute({ ...PING, timeout: 1000 }).catch(() => null);
          await channel.execute({ ...PING, timeout: 1000 }).catch(() => null);
          channel.expectOther();
          assert.deepEqual(await channel.execute({ ...PING, timeout: 5000 }), { value: 'right' });
        },
      ),
      { numRuns: runs },
    );
  });
});
