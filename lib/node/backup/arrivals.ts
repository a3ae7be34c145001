// The receiving side of an instance's transfer from another cluster. Each transfer has an HTTPS server of its own on a free port, which
// accepts exactly one client certificate and has one secret for each disk. The path of a request is /SECRET, its method:
//
//   POST     the other cluster announces that it will send; the transfer then waits for a day longer than `patience`
//   DELETE   it withdraws the announcement: the transfer fails
//   PUT      the data of the disk; the answer comes when the data is written
//
//   waiting   -> receiving   PUT
//   receiving -> done        the data is written; the transfer is done when all its disks are
//             -> (failed)    the data broke off, stood still for a day, or could not be written: the whole transfer fails
//
// Nothing is stored: a worker that restarts has lost its transfers, and `wait` says so.
import { EventEmitter, once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { unattended } from '../../base/background.ts';
import type { Clock } from '../../base/clock.ts';
import { type Connections, connectionTimes } from '../../base/connections.ts';
import { errorText, MerapiError, toFailure } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { underAny } from '../../base/signals.ts';
import type { TlsFiles } from '../../base/tls.ts';
import type { World } from '../../base/world.ts';
import { unpacked } from '../../rpc/streams.ts';

/** Stores the data of one disk, by its index. */
export type Receive = (index: number, data: Readable, signal: AbortSignal) => Promise<void>;

/** Milliseconds that a sender has to read the answer of a failure before its connection is cut. */
const LINGER = 5_000;
/** Seconds that the transfer waits for announced data. */
const ANNOUNCED_TIMEOUT = 24 * 3600;
/** Seconds without data after which a transfer fails that has begun. */
const SILENCE_TIMEOUT = 24 * 3600;

/** The data of one disk. */
interface DiskData {
  state: 'waiting' | 'receiving' | 'done';
  /** Bytes that have come over the network. */
  bytes: number;
}

interface Transfer {
  server: Server;
  /** Cuts all connections. */
  endAll(): void;
  /** The data of each disk by its secret, in the order of the disks. */
  disks: Map<string, DiskData>;
  /** Whether the other cluster has announced that it will send. */
  isAnnounced: boolean;
  failure: MerapiError | null;
  /** Emits `change` whenever wait() may have something to return. */
  changes: EventEmitter;
  /** Aborted with the failure; ends everything that goes on for the transfer. */
  over: AbortController;
}

/** The transfers from other clusters that this node waits for. */
export class Arrivals {
  readonly #host: string;
  readonly #log: Logger;
  readonly #connections: Connections;
  readonly #world: World;
  readonly #transfers = new Map<string, Transfer>();

  /** `host` is the address to listen on. */
  constructor(host: string, log: Logger, connections: Connections, world: World) {
    this.#world = world;
    this.#connections = connections;
    this.#host = host;
    this.#log = log;
  }

  /**
   * Opens a transfer of `count` disks under an id; an earlier transfer of this id is closed. It fails when no data comes within
   * `patience` seconds. Returns the address and the secret of each disk, in order.
   * @throws MerapiError environment_error when the address cannot be listened on
   */
  async open(
    id: string,
    tls: TlsFiles,
    { count, patience }: { count: number; patience: number },
    receive: Receive,
  ): Promise<{ host: string; port: number; secrets: string[] }> {
    await this.close(id);
    const secrets = Array.from({ length: count }, () => this.#world.random.bytes(24).toString('hex'));
    const disks = new Map(
      secrets.map((secret): [string, DiskData] => [secret, { state: 'waiting', bytes: 0 }]),
    );
    const server = createServer({ ...tls, ...connectionTimes, requestCert: true, rejectUnauthorized: true });
    const transfer: Transfer = {
      server,
      endAll: this.#connections.guard(server, this.#log, true),
      disks,
      isAnnounced: false,
      failure: null,
      changes: new EventEmitter(),
      over: new AbortController(),
    };
    server.requestTimeout = 0; // the data of a disk may take any time
    server.on('request', (request, response) =>
      unattended('receiving the data of a disk', this.#log, () =>
        answerRequest(transfer, receive, request, response, this.#world.clock),
      ),
    );
    // A client without the right certificate is disconnected; that is not logged, for anyone can cause it.
    server.on('tlsClientError', (_error, socket) => {
      socket.destroy();
    });
    try {
      server.listen(0, this.#host);
      await once(server, 'listening');
    } catch (cause) {
      throw new MerapiError('environment_error', `Cannot listen on ${this.#host}: ${errorText(cause)}`, {
        cause,
      });
    }
    this.#transfers.set(id, transfer);
    const { address, port } = server.address() as AddressInfo;
    unattended('waiting for the other cluster', this.#log, () =>
      expire(transfer, patience, this.#world.clock),
    );
    return { host: address, port, secrets };
  }

  /**
   * Waits until the data of all disks of a transfer is written, for `seconds` at most. Returns whether it is, and the bytes that have
   * come for each disk.
   * @throws MerapiError the failure of the transfer; execution when there is no transfer with this id
   */
  async wait(id: string, seconds: number, signal: AbortSignal): Promise<{ done: boolean; bytes: number[] }> {
    const late = this.#world.clock.timeout(seconds * 1000);
    try {
      return await underAny([signal, late.signal], (deadline) => this.#wait(id, deadline));
    } finally {
      late.cancel();
    }
  }

  async #wait(id: string, deadline: AbortSignal): Promise<{ done: boolean; bytes: number[] }> {
    for (;;) {
      const transfer = this.#transfers.get(id);
      if (!transfer)
        throw new MerapiError(
          'execution',
          'The node no longer waits for this data because its worker has restarted',
        );
      if (transfer.failure) throw transfer.failure;
      const disks = [...transfer.disks.values()];
      const done = disks.every(({ state }) => state === 'done');
      if (done || deadline.aborted) return { done, bytes: disks.map(({ bytes }) => bytes) };
      await once(transfer.changes, 'change', { signal: deadline }).catch(() => undefined);
    }
  }

  /** Ends a transfer and cuts its connections; nothing to do when there is none with this id. */
  async close(id: string): Promise<void> {
    const transfer = this.#transfers.get(id);
    if (!transfer) return;
    this.#transfers.delete(id);
    fail(transfer, new MerapiError('unavailable', 'The node no longer waits for this data'));
    const closed = once(transfer.server, 'close');
    transfer.server.close();
    transfer.endAll();
    await closed;
  }

  /** Ends all transfers. */
  async closeAll(): Promise<void> {
    await Promise.all([...this.#transfers.keys()].map((id) => this.close(id)));
  }
}

/** Fails a transfer; the first failure is the one that is reported. */
function fail(transfer: Transfer, failure: MerapiError): void {
  transfer.failure ??= failure;
  transfer.over.abort(failure);
  transfer.changes.emit('change');
}

/** Fails a transfer to which no data comes within `patience` seconds, a day more once it is announced; and later, within a day of the last. */
async function expire(transfer: Transfer, patience: number, clock: Clock): Promise<void> {
  const { signal } = transfer.over;
  const pause = (seconds: number) =>
    clock.sleep(seconds * 1000, { signal, ref: false }).catch(() => undefined);
  const disks = [...transfer.disks.values()];
  // A disk whose data is announced by its request counts as one byte.
  const received = () =>
    disks.reduce((sum, { bytes, state }) => sum + bytes + (state === 'waiting' ? 0 : 1), 0);
  let waited = patience;
  await pause(patience);
  if (transfer.isAnnounced) {
    await pause(ANNOUNCED_TIMEOUT);
    waited += ANNOUNCED_TIMEOUT;
  }
  for (let before = 0; received() > before; await pause(waited)) {
    before = received();
    waited = SILENCE_TIMEOUT;
  }
  if (!signal.aborted && disks.some(({ state }) => state !== 'done'))
    fail(transfer, new MerapiError('timeout', `The other cluster sent no data within ${waited} s`));
}

/** Answers one request of the other cluster, see the head of the file. */
async function answerRequest(
  transfer: Transfer,
  receive: Receive,
  request: IncomingMessage,
  response: ServerResponse,
  clock: Clock,
): Promise<void> {
  const secret = (request.url ?? '').slice(1);
  const disk = transfer.disks.get(secret);
  const answer = (status: number, body: unknown) => {
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
    response.end(`${JSON.stringify(body)}\n`);
  };
  if (request.method !== 'PUT' || disk?.state !== 'waiting') {
    request.resume();
    if (disk && request.method === 'POST') transfer.isAnnounced = true;
    if (disk && request.method === 'DELETE')
      fail(
        transfer,
        new MerapiError('execution', 'The other cluster has given up; see its job for the reason'),
      );
    if (disk && request.method !== 'PUT') return answer(200, {});
    answer(404, { code: 'not_found', message: 'This node waits for no data under this path' });
    return;
  }
  disk.state = 'receiving';
  try {
    const compress = request.headers['content-encoding'] === 'gzip' ? 'gzip' : 'none';
    const data = unpacked(counted(request, disk), compress);
    await receive([...transfer.disks.keys()].indexOf(secret), data, transfer.over.signal);
    disk.state = 'done';
    transfer.changes.emit('change');
    answer(200, { bytes: disk.bytes });
  } catch (error) {
    const failure = toFailure(error);
    fail(transfer, error instanceof MerapiError ? error : new MerapiError('execution', failure.message));
    answer(500, failure);
    // The rest of the data is read for a moment: a client that is still sending would not read the answer.
    request.resume();
    clock.timer(LINGER, () => request.destroy()).unref();
  }
}

/** The body of a request, whose bytes are counted. @throws MerapiError execution, from the stream, when the connection breaks off */
function counted(request: IncomingMessage, disk: DiskData): Readable {
  const read = async function* () {
    try {
      for await (const chunk of request.iterator({ destroyOnReturn: false })) {
        disk.bytes += chunk.length;
        yield chunk;
      }
    } catch (cause) {
      throw new MerapiError('execution', 'The other cluster broke off before all data was sent', { cause });
    }
  };
  return Readable.from(read(), { objectMode: false });
}
