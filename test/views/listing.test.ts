import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RuntimeTable } from '../../lib/rpc/runtime.ts';
import { put } from '../../lib/store/changes.ts';
import { Snapshot } from '../../lib/store/snapshot.ts';
import { jsonListing } from '../../lib/surfaces/rapi/listed.ts';
import { listing } from '../../lib/views/listing.ts';
import { runQuery } from '../../lib/views/registry.ts';
import { aCluster, aDisk, aGroup, aGuest, aNode, anInstance, noNodes, someFacts } from '../helpers/view.ts';

const FIELDS = ['name', 'pnode', 'pnode.group', 'disk.sizes', 'beparams', 'hvparams', 'status', 'oper_ram'];
const noJobs = { get: async () => null, all: () => [], locks: () => [] };
const count = 12;
const numbers = Array.from({ length: count }, (_, number) => number);

const scene = () =>
  Snapshot.of([
    { kind: 'cluster', object: aCluster() },
    { kind: 'nodegroup', object: aGroup() },
    ...['node1', 'node2'].map((short) => ({ kind: 'node' as const, object: aNode(short) })),
    ...numbers.flatMap((number) => [
      { kind: 'disk' as const, object: aDisk(`disk${number}`) },
      { kind: 'instance' as const, object: anInstance(`inst${number}`, { disks: [`disk${number}`] }) },
    ]),
  ]);

async function listed(
  resource: string,
  view: Snapshot,
  runtime: RuntimeTable,
  fields: readonly string[] = FIELDS,
): Promise<unknown> {
  const pieces: string[] = [];
  const pages = listing(resource, fields, { view, whole: view, runtime }, noJobs, noNodes);
  for await (const piece of jsonListing(pages).pieces) pieces.push(piece);
  return JSON.parse(pieces.join(''));
}

async function queried(resource: string, view: Snapshot, runtime: RuntimeTable): Promise<unknown> {
  const { data } = await runQuery(resource, FIELDS, null, { view, whole: view, runtime }, noJobs, noNodes);
  return data.map((cells) =>
    Object.fromEntries(
      FIELDS.map((field, place) => [field, cells[place]?.[0] === 0 ? cells[place][1] : null]),
    ),
  );
}

/** Something that changes what a listing shows. */
type Event = [
  what: 'disk' | 'node' | 'cluster' | 'group' | 'instance' | 'guest' | 'down',
  which: number,
  size: number,
];
const event: fc.Arbitrary<Event> = fc.tuple(
  fc.constantFrom('disk', 'node', 'cluster', 'group', 'instance', 'guest', 'down'),
  fc.nat(count - 1),
  fc.integer({ min: 1, max: 3 }),
);

describe('a listing', () => {
  it('shows what a query shows, whatever changed since the last one', () =>
    fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 6 }), async (events) => {
        let view = scene();
        const runtime = new RuntimeTable();
        let version = 0;
        for (const [what, which, size] of events) {
          const node = aNode(which % 2 ? 'node1' : 'node2');
          if (what === 'disk') view = view.after([put('disk', aDisk(`disk${which}`, { size }))]);
          if (what === 'node')
            view = view.after([put('node', { ...node, name: `renamed${which}`, offline: size > 1 })]);
          if (what === 'cluster') {
            const { beparams } = view.cluster;
            view = view.after([put('cluster', aCluster({ beparams: { ...beparams, vcpus: size } }))]);
          }
          if (what === 'group') view = view.after([put('nodegroup', { ...aGroup(), name: `rack${size}` })]);
          if (what === 'instance')
            view = view.after([
              put(
                'instance',
                anInstance(`inst${which}`, { disks: [`disk${which}`], beparams: { vcpus: size } }),
              ),
            ]);
          if (what === 'guest')
            runtime.update(node.uuid, {
              ...someFacts([aGuest(`inst${which}`, { memory: size })]),
              version: ++version,
            });
          if (what === 'down') runtime.drop(node.uuid);
          assert.deepEqual(await listed('instance', view, runtime), await queried('instance', view, runtime));
        }
        assert.deepEqual(await listed('node', view, runtime), await queried('node', view, runtime));
      }),
      { numRuns: 60 },
    ));

  it('may have live fields alone, or none of them', async () => {
    const [view, runtime] = [scene(), new RuntimeTable()];
    assert.deepEqual(
      await listed('instance', view, runtime, ['status']),
      numbers.map(() => ({ status: 'ERROR_nodedown' })),
    );
    const names = (await listed('instance', view, runtime, ['name'])) as object[];
    assert.deepEqual([names.length, names[0]], [count, { name: 'inst0.example.com' }]);
  });

  it('refuses a resource that is none', () =>
    assert.rejects(listed('house', scene(), new RuntimeTable()), { code: 'wrong_input' }));
});
