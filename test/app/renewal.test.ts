import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Credentials } from '../../lib/app/credentials.ts';
import { ENDPOINT, type Layout, layoutOf } from '../../lib/app/layout.ts';
import { startNodes } from '../../lib/app/node.ts';
import { prepareNodes } from '../../lib/app/state.ts';
import { systemClock } from '../../lib/base/clock.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { nodeRole, rolesOf } from '../../lib/base/roles.ts';
import { DAY, issueFor, publicKeyOf } from '../../lib/base/tls.ts';
import { ClusterSpec } from '../../lib/manager/cluster-spec.ts';
import type { NodeWorker } from '../../lib/node/worker.ts';
import { NodeClient } from '../../lib/rpc/client.ts';
import { RuntimeTable } from '../../lib/rpc/runtime.ts';
import { aNode } from '../helpers/view.ts';

const YEAR = 365 * DAY;
const nodeOf = (name: string) => ({ ...aNode(name), name });

describe('certificates of nodes', () => {
  let layout: Layout;
  let workers: NodeWorker[] = [];
  /** What the clock of the master says. */
  let now = Date.now();
  const clients: NodeClient[] = [];
  const names = ['node1', 'master'];
  const folders = () => names.map((name) => layout.nodeFolder(name));
  const shown = async (name: string) =>
    new X509Certificate(await readFile(join(layout.nodeFolder(name), 'node.pem')));

  before(async () => {
    const dir = await mkdtemp(join(tmpdir(), 'merapi-renewal-'));
    layout = layoutOf(dir);
    const spec = ClusterSpec.parse({
      name: 'test',
      enabled_hypervisors: ['fake'],
      enabled_disk_templates: ['diskless'],
      file_storage_dir: join(dir, 'file-storage'),
      shared_file_storage_dir: join(dir, 'shared-file-storage'),
      nodes: [{ name: 'node1', primary_ip: '127.0.0.1' }],
    });
    const nodes = names.map((name) => ({ ...spec.nodes[0], name, primary_ip: '127.0.0.1' }));
    await prepareNodes(layout, nodes as ClusterSpec['nodes'], spec);
  });
  after(async () => {
    for (const client of clients) await client.close();
    for (const worker of workers) await worker.stop();
    await rm(layout.dir, { recursive: true, force: true });
  });

  /** A life of a master; what its client makes are new connections. */
  async function master(renews = true): Promise<{ credentials: Credentials; client: NodeClient }> {
    const credentials = await Credentials.open(layout, () => now);
    const client = new NodeClient({
      clock: systemClock,
      tls: credentials.tls,
      renewal: renews ? credentials.renewal : undefined,
      endpointOf: async ({ name }) => {
        const text = await readFile(join(layout.nodeFolder(name), ENDPOINT), 'utf8');
        const [host = '', port] = text.trim().split(' ');
        return { host, port: Number(port) };
      },
      epoch: 1,
      runtime: new RuntimeTable(),
      log: silentLogger,
      patience: renews ? 20_000 : 100,
    });
    clients.push(client);
    return { credentials, client };
  }

  const answers = async ({ client }: { client: NodeClient }, name: string) =>
    assert.equal((await client.call(nodeOf(name), 'node.hello', {})).name, name);

  it('of release 0.1.0, which name no role, are renewed while their workers run', async () => {
    const { authorities } = await Credentials.open(layout, () => now);
    for (const name of names) {
      const folder = layout.nodeFolder(name);
      const key = await readFile(join(folder, 'node.key'), 'utf8');
      const subject = { commonName: name, hosts: [name] };
      await writeFile(join(folder, 'node.pem'), issueFor(publicKeyOf(key), subject, authorities.signer));
    }
    workers = await startNodes(folders(), {}, silentLogger);
    const strict = await master(false);
    for (const name of names) await assert.rejects(answers(strict, name), /of an older release/);
    const renewing = await master();
    for (const name of names) {
      await answers(renewing, name);
      assert.deepEqual(rolesOf(await shown(name)), [nodeRole(name)]);
      await answers(strict, name);
    }
  });

  it('survive a clock that jumps, forwards and back, with workers that run on', async () => {
    const key = await readFile(join(layout.certificates, 'ca.key'), 'utf8');
    const begin = now;
    const first = await master();
    await first.client.follow([nodeOf('node1')]);
    for (const years of [11, 0, 25, -5, 9.5, 0]) {
      now = begin + years * YEAR;
      await first.credentials.renew(first.client);
      await answers(await master(), 'node1');
      const { validFrom, validTo } = await shown('node1');
      assert.ok(Date.parse(validFrom) <= now && now < Date.parse(validTo), `after ${years} years`);
    }
    assert.equal(await readFile(join(layout.certificates, 'ca.key'), 'utf8'), key);
  });

  it('are believed, and renewed, also when a node knows none of the newer authorities', async () => {
    now = Date.now();
    const { subject } = await shown('master');
    assert.equal(subject, 'CN=master');
    now += 60 * YEAR;
    await answers(await master(false), 'master');
    const next = await master();
    await next.client.follow([nodeOf('master')]);
    await next.client.renewCertificates();
    assert.ok(Date.parse((await shown('master')).validTo) > now);
    const trusted = await readFile(join(layout.nodeFolder('master'), 'ca.pem'), 'utf8');
    assert.equal(trusted, next.credentials.authorities.bundle);
  });

  it('are found by the next worker as the last one had them', async () => {
    for (const worker of workers.splice(0)) await worker.stop();
    workers = await startNodes(folders(), {}, silentLogger);
    for (const name of names) await answers(await master(false), name);
  });
});
