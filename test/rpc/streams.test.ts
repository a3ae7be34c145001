import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../lib/base/clock.ts';
import { MerapiError } from '../../lib/base/errors.ts';
import { silentLogger } from '../../lib/base/log.ts';
import type { TlsFiles } from '../../lib/base/tls.ts';
import type { Tell } from '../../lib/model/progress.ts';
import { startRpcServer } from '../../lib/rpc/server.ts';
import { readStream, Streams } from '../../lib/rpc/streams.ts';
import { Compression, type StreamSource } from '../../lib/rpc/types.ts';
import { type Certificates, issueNode, makeCertificates, NODE_NAME, Resources } from '../node/helpers.ts';

describe('streams between nodes', () => {
  const resources = new Resources();
  const streams = new Streams(silentLogger, systemClock);
  let certificates: Certificates;
  let reader: TlsFiles;
  let port: number;
  before(async () => {
    certificates = await makeCertificates();
    reader = await nodeTls('reader');
    const server = await startRpcServer({
      clock: systemClock,
      listen: { host: '127.0.0.1', port: 0 },
      tls: certificates.node,
      handlers: {} as never,
      journal: {} as never,
      facts: {} as never,
      streams,
      log: silentLogger,
    });
    resources.add(() => server.close());
    port = server.port;
  });
  after(() => resources.close());

  async function nodeTls(name: string): Promise<TlsFiles> {
    const identity = await issueNode(name, certificates.authority);
    return { ...identity, ca: certificates.node.ca };
  }

  const open = async () => Readable.from(['one ', 'two ', 'three'].map((word) => Buffer.from(word)));
  const source = (over: Partial<StreamSource> = {}): StreamSource => ({
    ...{ node: NODE_NAME, host: '127.0.0.1', port, id: 'data', compress: 'none' },
    ...over,
  });
  const reading = (tell: Tell = () => undefined) => ({
    ...{ signal: AbortSignal.timeout(10_000), tell, total: 13 },
  });
  async function read(from: StreamSource, tls = reader): Promise<string> {
    let text = '';
    await readStream(
      from,
      () => tls,
      reading(),
      async (data) => {
        for await (const chunk of data) text += chunk;
      },
    );
    return text;
  }

  for (const compress of Compression.options)
    it(`arrive whole (${compress})`, async () => {
      streams.offer('data', { to: 'reader', compress, open });
      assert.equal(await read(source({ compress })), 'one two three');
      await assert.rejects(read(source({ compress })), {
        code: 'execution',
        message: /No stream data is offered/,
      });
    });

  it('are for the node alone that they are offered to', async () => {
    streams.offer('data', { to: 'reader', compress: 'none', open });
    await assert.rejects(
      read(source(), await nodeTls('other')),
      /No stream data is offered to merapi:node:other/,
    );
    await assert.rejects(read(source({ id: 'more' })), /No stream more is offered/);
    await assert.rejects(read(source(), certificates.master), /no GET \/stream\/data/);
    assert.equal(await read(source()), 'one two three');
  });

  it('tell when they break off, and can be read again', async () => {
    let isBroken = true;
    const fragile = async () =>
      Readable.from(
        (async function* () {
          yield Buffer.alloc(100_000);
          if (isBroken) throw new MerapiError('execution', 'the disk is gone');
        })(),
      );
    for (const compress of ['none', 'gzip'] as const) {
      isBroken = true;
      streams.offer('data', { to: 'reader', compress, open: fragile });
      await assert.rejects(read(source({ compress })), {
        code: 'execution',
        message: /could not be read: the disk is gone$/,
      });
      isBroken = false;
      assert.equal((await read(source({ compress }))).length, 100_000);
    }
  });

  it('tell when nobody listens', () =>
    assert.rejects(read(source({ port: 1 })), {
      code: 'execution',
      message: /^The data from node .* could not be read/,
    }));

  it('fail with whoever reads them', async () => {
    for (const compress of ['none', 'gzip'] as const) {
      streams.offer('data', { to: 'reader', compress, open });
      const failing = readStream(
        source({ compress }),
        () => reader,
        reading(),
        async () => {
          throw new MerapiError('execution', 'no space');
        },
      );
      await assert.rejects(failing, /no space/);
    }
  });
});
