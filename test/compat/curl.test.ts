import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Client, instanceBody } from '../helpers/client.ts';
import { type Program, Programs } from '../helpers/program.ts';
import { shell } from './shell.ts';

describe('curl', () => {
  const programs = new Programs();
  after(() => programs.close());
  let program: Program;
  let client: Client;
  before(async () => {
    program = await programs.up({ ssl: true });
    client = await program.client();
  });

  /** The status and the body of what `curl WORDS` answers; $ADMIN stands for who asks and whom they trust. */
  async function curl(words: string): Promise<[number, unknown]> {
    const line = `curl -sS --cacert "$CA" -w '\\n%{http_code}' ${words.replace('$ADMIN', '-u admin:secret')}`;
    const { code, stdout, stderr } = await shell(program, line);
    assert.equal(code, 0, stderr);
    const end = stdout.lastIndexOf('\n');
    const text = stdout.slice(0, end);
    return [Number(stdout.slice(end + 1)), text === '' ? undefined : JSON.parse(text)];
  }

  /** Follows the job that a command submits to its success. */
  async function job(words: string): Promise<void> {
    const [status, id] = await curl(words);
    assert.equal(status, 200, JSON.stringify(id));
    const { opresult, ...end } = await client.jobEnd(id as number);
    assert.equal(end.status, 'success', JSON.stringify(opresult));
  }

  const statusOf = async () => (await client.get<{ status: string }>('/2/instances/web1.example.com')).status;
  const code = async (words: string) => (await curl(words))[0];

  it('reads without a user', async () => {
    assert.deepEqual(await curl('$URL/version'), [200, 2]);
    assert.deepEqual(await curl('$URL/2'), [200, null]);
    assert.deepEqual(await curl('-G -d bulk=1 $URL/2/instances'), [200, []]);
    assert.deepEqual(await curl('-H "$JSON" $URL/2/os'), [200, ['noop']]);
    assert.equal((await curl('--compressed --http2 -L $URL/2/features'))[0], 200);
    assert.deepEqual(await curl('$URL/2/features/'), [
      404,
      {
        code: 404,
        message: 'Not Found',
        explain: 'Nothing matches the given URI',
        detail: 'There is no resource /2/features/',
      },
    ]);
  });

  it('asks several times over one connection, refusals in between', async () => {
    const words = `-u admin:secret -H "$JSON" -d '[' $URL/2/groups $URL/2/nothing $URL/2/tags`;
    const line = `curl -sS --cacert "$CA" -o /dev/null -o /dev/null -o /dev/null -w '%{http_code} %{num_connects},'`;
    assert.equal((await shell(program, `${line} ${words}`)).stdout, '400 1,404 0,501 0,');
  });

  it('makes, stops, starts and removes an instance', async () => {
    const body = JSON.stringify(instanceBody('web1.example.com'));
    await job(`$ADMIN -X POST -H "$JSON" -d '${body}' $URL/2/instances`);
    assert.equal(await statusOf(), 'running');
    await job('$ADMIN -X PUT $URL/2/instances/web1.example.com/shutdown');
    assert.equal(await statusOf(), 'ADMIN_down');
    await job('$ADMIN -X PUT -H "$JSON" $URL/2/instances/web1.example.com/startup');
    assert.equal(await statusOf(), 'running');
    await job('$ADMIN -X PUT -H "$JSON" -d null $URL/2/instances/web1.example.com/shutdown');
    await job(`$ADMIN -X PUT -H "$JSON" -d '' $URL/2/instances/web1/startup?force=1`);
    await job(
      `$ADMIN -d '' -H "$JSON" "$URL/2/instances/web1.example.com/reboot?type=hard&reason=new+kernel"`,
    );
    const console = await curl('$ADMIN $URL/2/instances/web1.example.com/console');
    assert.equal(console[0], 200);
    await job(`$ADMIN -X DELETE -H "$JSON" -d '{"shutdown_timeout": 0}' $URL/2/instances/web1.example.com`);
    assert.equal(await code('$URL/2/instances/web1.example.com'), 404);
  });

  it('sends a body with GET, to wait for a job', async () => {
    const [, id] = await curl(`$ADMIN -H "$JSON" -d '{"name": "g1"}' $URL/2/groups`);
    const body = { fields: ['status'], previous_job_info: ['running'], previous_log_serial: null };
    const wait = `$ADMIN -X GET -H "$JSON" -d '${JSON.stringify(body)}' $URL/2/jobs/${id}/wait`;
    await client.jobEnd(id as number);
    assert.deepEqual(await curl(wait), [200, { job_info: ['success'], log_entries: [] }]);
    await job('$ADMIN -X DELETE $URL/2/groups/g1');
  });

  it('gives tags in the URL and in the body', async () => {
    await job('$ADMIN -X PUT "$URL/2/tags?tag=a&tag=b"');
    await job(`$ADMIN -X PUT -H "$JSON" -d '["c", "d"]' "$URL/2/tags?tag=e"`);
    assert.deepEqual(await curl('$URL/2/tags'), [200, ['a', 'b', 'c', 'd', 'e']]);
    await job(`$ADMIN -X DELETE -H "$JSON" -d '["c"]' $URL/2/tags`);
    await job('$ADMIN -X DELETE "$URL/2/tags?tag=a&tag=b&tag=d"');
    assert.deepEqual(await curl('$URL/2/tags'), [200, ['e']]);
  });

  it('sends a long body that it announces first, and one in chunks', async () => {
    const file = join(await programs.folder(), 'body');
    await writeFile(file, `["long"]${' '.repeat(2 * 1024 * 1024)}`);
    await job(`$ADMIN -X PUT -H "$JSON" -H 'Expect: 100-continue' -d @${file} $URL/2/tags`);
    await job(`$ADMIN -X PUT -H "$JSON" -H 'Transfer-Encoding: chunked' -d '["chunk"]' $URL/2/tags`);
    assert.deepEqual(await curl('$URL/2/tags'), [200, ['chunk', 'e', 'long']]);
  });

  it('is told what was wrong', async () => {
    assert.equal(await code('-X PUT $URL/2/tags?tag=x'), 401);
    assert.equal(await code('-u reader:foo -X PUT $URL/2/tags?tag=x'), 403);
    assert.equal(await code('-u admin:wrong $URL/version'), 401);
    assert.equal(await code('--digest -u admin:secret -X PUT $URL/2/tags?tag=x'), 401);
    assert.equal(await code(`$ADMIN -d '{"name": "g2"}' $URL/2/groups`), 415); // as a form
    assert.equal(await code('$ADMIN -F name=g2 $URL/2/groups'), 415);
    assert.equal(await code(`$ADMIN -H "$JSON" -d "{'name': 'g2'}" $URL/2/groups`), 400);
    assert.equal(await code('$ADMIN -X PATCH $URL/2/groups'), 501);
    assert.equal(await code('-I -o /dev/null $URL/version'), 501);
    assert.equal(await code('-X OPTIONS $URL/version'), 501);
    const { code: exit } = await shell(program, 'curl -sf --cacert "$CA" $URL/2/nodes/none');
    assert.equal(exit, 22);
  });

  it('answers a challenge', async () => {
    await job('--anyauth $ADMIN -X PUT $URL/2/tags?tag=challenged');
    await job(`--anyauth $ADMIN -X PUT -H "$JSON" -d '["twice"]' $URL/2/tags`);
  });
});
