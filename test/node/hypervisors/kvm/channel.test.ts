import assert from 'node:assert/strict';
import { createConnection } from 'node:net';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { Channel, type Received, type Wire } from '../../../../lib/node/hypervisors/kvm/channel.ts';
import { QmpWire } from '../../../../lib/node/hypervisors/kvm/qmp.ts';
import { Resources } from '../../helpers.ts';
import { until } from '../kvm-helpers.ts';
import { type Request, servePeer } from './peer.ts';

const limits = { timeout: 60_000, size: 1000 };
const commands = {
  add: {
    ...limits,
    args: z.strictObject({ a: z.number(), b: z.number() }),
    result: z.object({ sum: z.number() }),
  },
  hurry: { ...limits, args: z.strictObject({}), result: z.unknown(), timeout: 20 },
  name: {
    ...limits,
    args: z.strictObject({}),
    result: z.object({ list: z.array(z.object({ n: z.string() })) }),
  },
  long: { ...limits, args: z.strictObject({}), result: z.string(), size: 5000 },
};

describe('a channel of commands', () => {
  const resources = new Resources();
  after(() => resources.close());

  type Answer = Parameters<typeof servePeer>[1];
  const write = (peer: Parameters<Answer>[0], message: object) => peer.write(`${JSON.stringify(message)}\n`);

  /** A channel to a process that answers by `answer`. */
  async function open(answer: Answer, wire?: Wire) {
    const { path } = await servePeer(resources, answer);
    const faults: (string | null)[] = [];
    const channel = new Channel(createConnection(path), {
      commands,
      wire:
        wire ??
        new QmpWire(
          () => undefined,
          () => undefined,
        ),
      onEnd: (fault) => faults.push(fault),
    });
    resources.add(async () => channel.close());
    return { channel, faults };
  }

  it('gives each command its own answer, in whatever order they come, without what is not read', async () => {
    const waiting: [Parameters<Answer>[0], Request][] = [];
    const { channel } = await open((...asked) => {
      waiting.push(asked);
      if (waiting.length < 3) return;
      for (const [peer, { id, arguments: args }] of waiting.reverse())
        write(peer, { return: { sum: (args.a as number) + (args.b as number), more: 1 }, id });
    });
    const asked = [1, 2, 3].map((a) => channel.execute('add', { a, b: 10 }));
    assert.deepEqual(await Promise.all(asked), [{ sum: 11 }, { sum: 12 }, { sum: 13 }]);
  });

  it('takes no answer to another command, nor a second one, for its own', async () => {
    const { channel, faults } = await open((peer, { id }) => {
      for (const other of [id + 1, 0, -1, '1', null, {}, [], undefined, true])
        write(peer, { return: { sum: 0 }, id: other });
      for (const sum of [1, 2]) write(peer, { return: { sum }, id });
    });
    for (let again = 0; again < 2; again++)
      assert.deepEqual(await channel.execute('add', { a: 0, b: 1 }), { sum: 1 });
    assert.deepEqual(faults, []);
  });

  it('fails a command whose answer has another form, and says where', async () => {
    const values: unknown[] = [[1], { list: [{ n: 'a' }, { n: 5 }] }, null, 'x'];
    const { channel, faults } = await open((peer, { id }) => write(peer, { return: values.shift(), id }));
    const message = 'QEMU gave an answer to name that Merapi does not understand: ';
    await assert.rejects(channel.execute('name'), { code: 'hypervisor', message: new RegExp(message) });
    await assert.rejects(channel.execute('name'), {
      message: new RegExp(`${message}list\\.1\\.n: .*string`),
    });
    for (let again = 0; again < 2; again++)
      await assert.rejects(channel.execute('name'), { code: 'hypervisor' });
    assert.deepEqual(faults, []);
  });

  it('fails a command whose answer is longer than its limit, and reads on; no line may be longer than all limits', async () => {
    const { channel, faults } = await open((peer, { execute, id }) =>
      write(peer, { return: 'x'.repeat(execute === 'hurry' ? 6000 : 2000), id }),
    );
    const tooLong = { code: 'hypervisor', message: /answered name with 20\d\d characters; at most 1000 are/ };
    await assert.rejects(channel.execute('name'), tooLong);
    assert.equal((await channel.execute('long')).length, 2000);
    await assert.rejects(channel.execute('hurry'), {
      message: /was closed because QEMU sent a message of more than 5000/,
    });
    assert.equal(faults.length, 1);
  });

  it('fails a command that is not answered in time, and takes its late answer for nothing', async () => {
    let late: (() => void) | undefined;
    const { channel, faults } = await open((peer, { execute, id }) => {
      if (execute === 'hurry') late = () => write(peer, { return: { sum: 7 }, id });
      else {
        late?.();
        write(peer, { return: { sum: 1 }, id });
      }
    });
    await assert.rejects(channel.execute('hurry'), {
      code: 'hypervisor',
      message: 'QEMU did not answer hurry within 0.02 s',
    });
    await until('the arrival of the command', () => late !== undefined);
    assert.deepEqual(await channel.execute('add', { a: 0, b: 0 }), { sum: 1 });
    assert.deepEqual(faults, []);
  });

  it('says in an error only the beginning of long words', async () => {
    const { channel } = await open((peer, { id }) => write(peer, { error: { desc: 'é'.repeat(3000) }, id }));
    await assert.rejects(
      channel.execute('long'),
      ({ message }: Error) => message.startsWith('QEMU refused long: ééé') && message.length < 600,
    );
  });

  it('fails all who wait at the end, each once, and everyone after it', async () => {
    const { channel, faults } = await open((peer, { execute }) => {
      if (execute === 'long') peer.destroy();
    });
    const all = [channel.execute('add', { a: 1, b: 1 }), channel.execute('name'), channel.execute('long')];
    const outcomes = await Promise.allSettled(all);
    assert.deepEqual(
      outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.message),
      ['add', 'name', 'long'].map((name) => `The connection to QEMU ended before it answered ${name}`),
    );
    assert.deepEqual(faults, [null]);
    await assert.rejects(channel.execute('name'), { message: 'name: the connection to QEMU has ended' });
  });

  it('carries a protocol without ids, with one command at a time and marks before its answers', async () => {
    /** As a program in the guest would speak: no greeting, no ids, and an answer begins after the last 0xFF. */
    class Bare implements Wire {
      readonly peer = 'the program';
      #id = 0;

      encode(id: number, name: string, args: object): string {
        this.#id = id;
        return JSON.stringify({ execute: name, arguments: args });
      }

      decode(line: string): Received {
        if (!line.includes('\ufffd')) return null;
        const { return: value } = JSON.parse(line.slice(line.lastIndexOf('\ufffd') + 1));
        return { id: this.#id, outcome: { value } };
      }
    }
    const { channel, faults } = await open((peer, { arguments: { a, b } }) => {
      peer.write('{"error": {"desc": "JSON parse error"}}\nrest');
      peer.write(Buffer.from([0xff]));
      write(peer, { return: { sum: (a as number) + (b as number) } });
    }, new Bare());
    for (const a of [1, 2, 3]) assert.deepEqual(await channel.execute('add', { a, b: 1 }), { sum: a + 1 });
    assert.deepEqual(faults, []);
  });

  it('ends each command exactly once and never breaks, whatever comes back', async () => {
    const line = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          return: fc.json().map((text) => JSON.parse(text)),
          id: fc.integer({ min: 0, max: 9 }),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ error: fc.record({ desc: fc.string() }), id: fc.integer({ min: 0, max: 9 }) }),
      },
      { weight: 2, arbitrary: fc.record({ event: fc.string(), data: fc.object() }) },
      { weight: 1, arbitrary: fc.json().map((text) => JSON.parse(text)) },
      { weight: 1, arbitrary: fc.string({ maxLength: 2000 }) },
    );
    const wire = () =>
      new QmpWire(
        () => undefined,
        () => undefined,
      );
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 12 }), async (lines) => {
        const own = new Resources();
        try {
          const { path } = await servePeer(own, (peer, { execute }) => {
            if (execute !== 'long') return;
            for (const each of lines)
              peer.write(`${typeof each === 'string' ? each : JSON.stringify(each)}\n`);
            peer.end();
          });
          let ends = 0;
          const socket = createConnection(path);
          const channel = new Channel(socket, { commands, wire: wire(), onEnd: () => ends++ });
          const asked = [
            channel.execute('add', { a: 1, b: 2 }),
            channel.execute('name'),
            channel.execute('long'),
          ];
          for (const outcome of await Promise.allSettled(asked)) {
            if (outcome.status === 'rejected') assert.equal(outcome.reason.code, 'hypervisor');
            else
              assert.ok(
                typeof outcome.value === 'string' || 'sum' in outcome.value || 'list' in outcome.value,
              );
          }
          await until('the end', () => ends > 0);
          assert.equal(ends, 1);
        } finally {
          await own.close();
        }
      }),
      { numRuns: 60 },
    );
  });
});
