import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOW, serve } from './fixture.ts';

const uuid = '309e3407-e4be-4e07-9b7f-30b6d10e241f';

test('job filters: what is asked becomes a filter, with defaults and a reason trail', async (t) => {
  const { ask, fake, close } = await serve();
  t.after(() => close());
  const body = { priority: 3, predicates: [['jobid', ['>', 'id', 'watermark']]], action: ['RATE_LIMIT', 2] };
  assert.equal((await ask('POST', '/2/filters?reason=night', { body })).json, 'new-uuid');
  const reason = [['gnt:client', 'why', 5]];
  assert.equal((await ask('PUT', `/2/filters/${uuid}`, { body: { reason } })).json, uuid);
  assert.deepEqual(fake.filters, [
    {
      uuid: null,
      ...body,
      reason_trail: [
        ['gnt:user', 'night', NOW],
        ['luxid', '', NOW],
      ],
    },
    {
      uuid,
      priority: 0,
      predicates: [],
      action: 'CONTINUE',
      reason_trail: [...reason, ['luxid', '', NOW]],
    },
  ]);
  assert.equal((await ask('DELETE', `/2/filters/${uuid}`)).text, 'null\n');
});

test('job filters: what is none is refused', async (t) => {
  const { ask, fake, close } = await serve();
  t.after(() => close());
  for (const body of [
    [],
    { nosuch: 1 },
    { priority: -1 },
    { priority: 'x' },
    { action: 'BOGUS' },
    { action: ['RATE_LIMIT', 0] },
    { predicates: [['bogus', []]] },
    { predicates: [['jobid']] },
    { reason: ['why'] },
  ])
    assert.equal((await ask('POST', '/2/filters', { body })).status, 400, JSON.stringify(body));
  const many = await ask('POST', '/2/filters', { body: { predicates: Array(10_000).fill(['bogus', []]) } });
  assert.equal((many.text.match(/must be/g) ?? []).length, 10, 'not every fault of a long list is told');
  assert.equal((await ask('PUT', '/2/filters/nosuch', { body: {} })).status, 400);
  assert.equal((await ask('POST', '/2/filters', { body: {}, auth: 'reader:foo' })).status, 403);
  assert.deepEqual(fake.filters, []);
});

test('job filters: listed by uuid, described by their fields', async (t) => {
  const { ask, fake, close } = await serve();
  t.after(() => close());
  fake.rows.filter = { f1: { uuid: 'f1', priority: 2, action: 'PAUSE' } };
  assert.deepEqual((await ask('GET', '/2/filters')).json, [{ uuid: 'f1', uri: '/2/filters/f1' }]);
  const shown = {
    ...{ watermark: null, priority: 2, predicates: null, action: 'PAUSE', reason_trail: null },
    uuid: 'f1',
  };
  assert.deepEqual((await ask('GET', '/2/filters/f1')).json, shown);
  assert.equal((await ask('GET', '/2/filters/nosuch')).status, 404);
});
