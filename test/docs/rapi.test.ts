import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { SYSTEM } from '../../lib/access/principal.ts';
import { systemClock } from '../../lib/base/clock.ts';
import { run } from '../../lib/base/exec.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { issueAlone } from '../../lib/base/tls.ts';
import { type RapiServer, startRapi } from '../../lib/surfaces/rapi/server.ts';
import { TestCluster } from '../helpers/cluster.ts';
import { blocksOf, textOf } from './blocks.ts';

const PAGE = 'docs/rapi.md';
const HOST = 'cluster.example.com';

/** The lines whose answer is not 200: they name what this cluster cannot have. */
const exceptions: readonly [RegExp, number, RegExp][] = [
  [/-X DELETE .*\/2\/duties\//, 404, /There is no duty/],
  // Simulated guests have no agent.
  [/^(?!.* -X ).*\/guest\b/, 501, /have no guest agent/],
  [/\/guest\/(command|file)\b/, 501, /have no guest agent/],
];

const changes = (line: string) => / -X (PUT|POST|DELETE) /.test(line);

describe(`the curl lines of ${PAGE}`, () => {
  let cluster: TestCluster;
  let server: RapiServer;
  before(async () => {
    cluster = await TestCluster.start(['node1.example.com', 'node2.example.com', 'node3.example.com'], [], {
      enabled_disk_templates: ['file', 'diskless', 'drbd'],
    });
    const identity = await issueAlone(HOST, 3600);
    server = await startRapi({
      manager: cluster.manager,
      users: {
        authenticate: (name, password) =>
          name === 'alice' && password === 's3cret' ? { name, rights: ['write'] } : null,
      },
      bind: '127.0.0.1',
      port: 0,
      tls: identity,
      requireAuthentication: false,
      waitTimeout: 100,
      clock: systemClock,
      log: silentLogger,
    });
    const ca = join(cluster.dir, 'api.pem');
    await writeFile(ca, identity.cert);
    const config = [
      `connect-to = "${HOST}:5080:127.0.0.1:${server.port}"`,
      `cacert = "${ca}"`,
      'silent',
      'show-error',
    ];
    await writeFile(join(cluster.dir, '.curlrc'), config.join('\n'));
    for (const group_name of ['rack1', 'rack2']) await cluster.done({ OP_ID: 'OP_GROUP_ADD', group_name });
    await cluster.done({ OP_ID: 'OP_NETWORK_ADD', network_name: 'net1', network: '192.0.2.0/24' });
    await cluster.done({
      ...{ OP_ID: 'OP_INSTANCE_CREATE', instance_name: 'web1.example.com', mode: 'create', os_type: 'noop' },
      ...{ disk_template: 'file', disks: [{ size: 1 }], nics: [{}], pnode: 'node1.example.com' },
    });
    await cluster.manager.putFilter(SYSTEM, '309e3407-e4be-4e07-9b7f-30b6d10e241f', {
      ...{ priority: 1, predicates: [], action: 'CONTINUE', reason_trail: [] },
    });
  });
  after(async () => {
    await cluster.manager.setQueue(SYSTEM, { drained: false });
    for await (const { id } of cluster.manager.jobs(SYSTEM)) await cluster.ended(id);
    await server.close();
    await cluster.close();
  });

  const lines = blocksOf(PAGE, textOf(PAGE))
    .blocks.map(({ text }) => text.trim())
    .filter((text) => text.startsWith('curl '));
  const isDrain = (line: string) => line.endsWith("/2/queue'") && changes(line);
  // What is read is read before it is changed; after the drain the queue takes no jobs.
  const inOrder = [
    ...lines.filter((line) => !changes(line)),
    ...lines.filter((line) => changes(line) && !isDrain(line)),
    ...lines.filter(isDrain),
  ];

  it('are there, one for each method', () => assert.ok(inOrder.length > 90, `${inOrder.length} lines`));

  for (const line of inOrder)
    it(line.replaceAll('/', '\u2215'), async () => {
      const env = { PATH: process.env.PATH, HOME: cluster.dir, CURL_HOME: cluster.dir };
      const asked = `${line} -o body -w '%{http_code}'`;
      const { code, stdout, stderr } = await run('/bin/sh', ['-c', asked], { env, cwd: cluster.dir });
      assert.equal(code, 0, stderr);
      const body = await readFile(join(cluster.dir, 'body'), 'utf8');
      const [, status, text] = exceptions.find(([pattern]) => pattern.test(line)) ?? [null, 200, /./];
      assert.equal(Number(stdout), status, body);
      assert.match(body, text);
      JSON.parse(body);
    });
});
