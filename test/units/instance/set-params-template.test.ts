import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../../lib/base/clock.ts';
import { MerapiError } from '../../../lib/base/errors.ts';
import { systemWorld } from '../../../lib/base/world.ts';
import type { Disk } from '../../../lib/model/disk.ts';
import { secondaryOf } from '../../../lib/model/mirror.ts';
import { type DiskTemplate, diskTemplates } from '../../../lib/model/templates/index.ts';
import { diskTarget } from '../../../lib/rpc/target.ts';
import type { CheckContext, RunContext } from '../../../lib/units/define.ts';
import {
  checkTemplateChange,
  convertTemplate,
  type TemplateRequest,
} from '../../../lib/units/instance/set-params-template.ts';
import { create, InstanceFixture, instance_name } from './fixture.ts';

const node2 = 'node2.example.com';

describe('the conversion of disks', () => {
  let fixture: InstanceFixture;
  before(async () => {
    fixture = await InstanceFixture.make({ enabled_disk_templates: [...diskTemplates] });
  });
  after(() => fixture.close());

  const said: string[] = [];
  const log = (text: string) => void said.push(text);

  function checking(): CheckContext {
    const seal = { close: String, open: String } as unknown as CheckContext['seal'];
    return { ...fixture.cluster.tools, ...systemWorld, seal, resolve: () => undefined, log };
  }

  /** A context that takes each step at once; the undos are made when `failAt` is the name of a step. */
  async function run(work: (context: RunContext) => Promise<void>, failAt?: string): Promise<void> {
    const { cluster } = fixture;
    const undos: (() => Promise<unknown>)[] = [];
    const names = new Set<string>();
    const step = async <T>(
      name: string,
      action: () => T,
      undo?: () => Promise<unknown>,
    ): Promise<Awaited<T>> => {
      assert.ok(!names.has(name), `the step ${name} is unique`);
      names.add(name);
      if (undo) undos.push(undo);
      if (name === failAt) throw new MerapiError('execution', `${name} was made to fail`);
      return await action();
    };
    const context = {
      clock: systemClock,
      log,
      step: (name: string, action: (tools: object) => unknown) => step(name, () => action(cluster.tools)),
      call: (...[name, node, call, params, undo = []]: Parameters<RunContext['call']>) => {
        const { nodes } = cluster.tools;
        const id = `${Math.random()}`;
        return step(
          name,
          () => nodes.call(node, call, params, { id }),
          async () => {
            for (const [index, each] of undo.entries())
              await nodes.call(node, each.call, each.params as never, { id: `${id}/${index}` });
          },
        );
      },
      attempt: (...[name, node, call, params]: Parameters<RunContext['attempt']>) =>
        step(name, () => cluster.tools.nodes.call(node, call, params, { id: `${Math.random()}` })).catch(
          (error) => log(`Not done yet: ${error.message}`),
        ),
      noReturn: () => undefined,
      commit: (...[name, build, undo]: Parameters<RunContext['commit']>) =>
        step(
          name,
          () => cluster.store.commit({ job: null }, build),
          async () => undo && cluster.store.commit({ job: null }, undo),
        ),
    } as unknown as RunContext;
    try {
      await work(context);
    } catch (error) {
      for (const undo of undos.reverse()) await undo();
      throw error;
    }
  }

  const request = (disk_template: DiskTemplate, over: Partial<TemplateRequest> = {}): TemplateRequest => ({
    ...{ disk_template, ext_params: {}, file_driver: null, file_storage_dir: null },
    ...{ remote_node: null, iallocator: null, ignore_ipolicy: false, wait_for_sync: true },
    ...over,
  });

  async function convert(to: TemplateRequest, failAt?: string): Promise<void> {
    const change = await checkTemplateChange(checking(), fixture.instance, to);
    await run((context) => convertTemplate(context, change), failAt);
  }

  const disks = (): readonly Disk[] => fixture.cluster.store.view.disksOf(fixture.instance);

  /** The paths of disks on their primary node; null for those that do not exist. */
  async function pathsOf(which: readonly Disk[]): Promise<(string | null)[]> {
    const { view, nodes } = fixture.cluster.tools;
    const node = view.nodes.get(fixture.instance.primary_node);
    assert.ok(node);
    const answer = await nodes.call(node, 'disk.status', { disks: which.map(diskTarget) });
    return answer.disks.map(({ path, exists }) => (exists ? path : null));
  }

  it('keeps data, names and modes from each template to each', async () => {
    await fixture.cluster.done(
      create({
        disks: [
          { size: 4, name: 'root' },
          { size: 8, mode: 'ro' },
        ],
      }),
    );
    const [path] = await pathsOf(disks());
    const image = Buffer.alloc(4 * 1024 * 1024);
    image.write('precious', 512 * 1024);
    await writeFile(path ?? '', image);
    const ways: [DiskTemplate, Partial<TemplateRequest>][] = [
      ['sharedfile', {}],
      ['plain', {}],
      ['drbd', { remote_node: node2 }],
      ['ext', { ext_params: { provider: 'pvdr' } }],
      ['drbd', {}],
      ['plain', {}],
      ['rbd', {}],
      ['gluster', {}],
      ['file', {}],
    ];
    for (const [template, over] of ways) {
      const old = disks();
      await convert(request(template, over));
      const { view } = fixture.cluster.store;
      assert.equal(fixture.instance.disk_template, template);
      assert.deepEqual(
        disks().map(({ dev_type, name, mode, size }) => [dev_type, name, mode, size]),
        [
          [template, 'root', 'rw', 4],
          [template, null, 'ro', 8],
        ],
      );
      const secondary = template === 'drbd' ? view.nodes.named(node2)?.uuid : null;
      assert.equal(secondaryOf(view, fixture.instance), secondary);
      const [now] = await pathsOf(disks());
      assert.ok((await readFile(now ?? '')).equals(image), template);
      assert.deepEqual(await pathsOf(old), [null, null], 'the old data is gone');
      assert.deepEqual(
        old.filter((disk) => view.disk(disk.uuid)),
        [],
      );
    }
    await fixture.cluster.done({ OP_ID: 'OP_INSTANCE_STARTUP', instance_name });
    await fixture.remove();
  });

  it('leaves everything as it was when a step fails', async () => {
    await fixture.cluster.done(create({ disk_template: 'plain' }));
    const before = [fixture.instance, disks(), await pathsOf(disks())];
    const steps = [
      'disks/reserve',
      'new/0/create',
      'new/0/create/secondary',
      'new/0/activate',
      'copy/0',
      'template',
    ];
    for (const failAt of steps) {
      await assert.rejects(convert(request('drbd', { remote_node: node2 }), failAt), { code: 'execution' });
      assert.deepEqual([fixture.instance, disks(), await pathsOf(disks())], before, failAt);
    }
    const { view } = fixture.cluster.store;
    assert.deepEqual(
      view.nodes.list().flatMap(({ uuid }) => view.mirrorsOn(uuid)),
      [],
    );
    await convert(request('drbd', { remote_node: node2 }), 'old/0/remove');
    assert.equal(fixture.instance.disk_template, 'drbd', 'old data that cannot be removed is no failure');
    assert.match(said.at(-1) ?? '', /^Not done yet/);
    await fixture.remove();
  });

  it('is refused where it makes no sense', async () => {
    await fixture.cluster.done(create());
    const refused = (to: TemplateRequest, code: string, message: RegExp) =>
      assert.rejects(() => checkTemplateChange(checking(), fixture.instance, to), { code, message });
    await refused(request('file'), 'wrong_input', /the template file already/);
    await refused(request('diskless'), 'wrong_input', /cannot be converted from file to diskless/);
    await refused(request('plain', { remote_node: node2 }), 'wrong_input', /belong to mirrored disks/);
    await refused(request('drbd', { remote_node: 'node1' }), 'wrong_input', /is the primary node/);
    await refused(request('ext'), 'wrong_input', /needs a provider/);
    await fixture.cluster.done({ OP_ID: 'OP_INSTANCE_STARTUP', instance_name });
    await refused(request('plain'), 'wrong_state', /not down/);
    await fixture.remove();
  });
});
