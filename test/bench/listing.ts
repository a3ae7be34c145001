// How long clients wait for a listing of 10,000 instances, and what others wait meanwhile. Prints JSON.
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Worker } from 'node:worker_threads';
import { systemClock } from '../../lib/base/clock.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { issueAlone } from '../../lib/base/tls.ts';
import { put } from '../../lib/store/changes.ts';
import { startRapi } from '../../lib/surfaces/rapi/server.ts';
import { TestCluster } from '../helpers/cluster.ts';
import { aDisk, aNic, anInstance } from '../helpers/view.ts';

const COUNT = Number(process.argv[2] ?? 10_000);
const TIMES = 9;

/** A MAC address of its own for each instance. */
const macOf = (number: number) =>
  `aa:00:${(number + 0x1_0000_0000)
    .toString(16)
    .slice(1)
    .replace(/(..)(?=.)/g, '$1:')}`;

interface Target {
  url: string;
  method?: string;
  body?: string;
}

async function measure(big: Target, small: Target) {
  const worker = new Worker(new URL('./client.mjs', import.meta.url), {
    workerData: { big, small, times: TIMES },
    execArgv: [],
  });
  const { reads, pings } = await new Promise<{
    reads: { ms: number; bytes: number; status: number }[];
    pings: number[];
  }>((resolve, reject) => worker.once('message', resolve).once('error', reject));
  const times = reads
    .slice(1)
    .map(({ ms }) => ms)
    .sort((a, b) => a - b);
  const waits = [...pings].sort((a, b) => a - b);
  const at = (list: number[], part: number) =>
    Number((list[Math.floor((list.length - 1) * part)] ?? 0).toFixed(1));
  return {
    status: reads[0]?.status,
    megabytes: Number(((reads[0]?.bytes ?? 0) / 1e6).toFixed(1)),
    firstMs: Number((reads[0]?.ms ?? 0).toFixed(1)),
    medianMs: at(times, 0.5),
    slowestMs: at(times, 1),
    othersWaitMs: { median: at(waits, 0.5), p99: at(waits, 0.99), longest: at(waits, 1) },
  };
}

const cluster = await TestCluster.start(['node1', 'node2']);
const identity = await issueAlone('127.0.0.1', 24 * 3600);
const server = await startRapi({
  manager: cluster.manager,
  users: { authenticate: (name) => ({ name, rights: ['write'] }) },
  bind: '127.0.0.1',
  port: 0,
  tls: identity,
  requireAuthentication: false,
  clock: systemClock,
  log: silentLogger,
});
const nodes = cluster.store.view.nodes.list();
await cluster.store.commit({ job: null }, () =>
  Array.from({ length: COUNT }, (_, number) => {
    const [a, b] = [`disk-${number}-a`, `disk-${number}-b`];
    const primary_node = nodes[number % nodes.length]?.uuid ?? '';
    const instance = `inst${number}-uuid`;
    return [
      put('disk', aDisk(a, { instance })),
      put('disk', aDisk(b, { instance })),
      put(
        'instance',
        anInstance(`inst${number}`, {
          primary_node,
          disk_template: 'file',
          disks: [a, b],
          nics: [aNic(`nic-${number}`, { mac: macOf(number) })],
          beparams: { maxmem: 256, minmem: 128 },
          admin_state: 'down',
        }),
      ),
    ];
  }).flat(),
);

const bulk = await measure({ url: `${server.url}/2/instances?bulk=1` }, { url: `${server.url}/2/features` });
const query = { fields: ['name', 'pnode', 'status', 'be/maxmem'], qfilter: ['=~', 'name', '^inst.*[05]\\.'] };
const filtered = await measure(
  { url: `${server.url}/2/query/instance`, method: 'PUT', body: JSON.stringify(query) },
  { url: `${server.url}/2/features` },
);
await server.close();
await cluster.close();

const bytes = Buffer.alloc(bulk.megabytes * 1e6, 0x20);
const bare = createServer(identity, (request, answer) => answer.end(request.url === '/big' ? bytes : '[]'));
await new Promise<void>((done) => bare.listen(0, '127.0.0.1', done));
const bareUrl = `https://127.0.0.1:${(bare.address() as AddressInfo).port}`;
const limit = await measure({ url: `${bareUrl}/big` }, { url: `${bareUrl}/small` });
bare.close();
console.log(JSON.stringify({ instances: COUNT, bulk, filtered, bareServerSameBytes: limit }, null, 2));
