import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, RefusedError } from '../../lib/client/client.ts';
import { serve } from '../surfaces/rapi/fixture.ts';

test('a refusal is told in the words of its case, also where the message is a fixed text', async (t) => {
  const server = await serve();
  const client = new Client({ url: server.url });
  t.after(() => Promise.all([client.close(), server.close()]));
  const refusal = (status: number, words: RegExp) => (error: unknown) => {
    assert.ok(error instanceof RefusedError);
    assert.equal(error.status, status);
    assert.match(error.message, words);
    return true;
  };
  await assert.rejects(client.ask('GET', '/2/groups/nosuch'), refusal(404, /^There is no group 'nosuch'$/));
  await assert.rejects(client.ask('PUT', '/2/tags?tag=a'), refusal(401, /name and a password/));
  await assert.rejects(client.ask('GET', '/2/nodes?bulk=x'), refusal(400, /'bulk'/));
});
