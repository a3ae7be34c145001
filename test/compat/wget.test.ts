import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Client, instanceBody } from '../helpers/client.ts';
import { type Program, Programs } from '../helpers/program.ts';
import { shell } from './shell.ts';

/** Ends of wget: a wrong user or password, and any other answer that is no success. */
const AUTHENTICATION_FAILED = 6;
const REFUSED = 8;

describe('wget, which shows its password only when it is asked for it', () => {
  const programs = new Programs();
  after(() => programs.close());
  let program: Program;
  let client: Client;
  before(async () => {
    program = await programs.up({ ssl: true, args: ['--require-authentication'] });
    client = await program.client();
  });

  const wget = (words: string, user = 'admin', password = 'secret') =>
    shell(program, `wget -q -O - --ca-certificate="$CA" --user=${user} --password=${password} ${words}`);

  async function answer(words: string): Promise<unknown> {
    const { code, stdout, stderr } = await wget(words);
    assert.equal(code, 0, `${words}: ${stderr}`);
    return JSON.parse(stdout);
  }

  async function job(words: string): Promise<void> {
    const { status, opresult } = await client.jobEnd((await answer(words)) as number);
    assert.equal(status, 'success', JSON.stringify(opresult));
  }

  it('reads', async () => {
    assert.equal(await answer('$URL/version'), 2);
    assert.equal(((await answer('$URL/2/info')) as { name: string }).name, 'cluster.example.com');
    assert.equal((await wget('--spider $URL/version')).code, 0); // it asks with HEAD, and after the refusal with GET
  });

  it('makes, stops, starts, tags and removes an instance', async () => {
    const url = '$URL/2/instances/web1.example.com';
    const statusOf = async () => ((await answer(url)) as { status: string }).status;
    const body = JSON.stringify(instanceBody('web1.example.com'));
    await job(`--method=POST --header="$JSON" --body-data='${body}' $URL/2/instances`);
    assert.equal(await statusOf(), 'running');
    await job(`--method=PUT ${url}/shutdown`);
    assert.equal(await statusOf(), 'ADMIN_down');
    await job(`--method=PUT --header="$JSON" --body-data='' ${url}/startup`);
    assert.equal(await statusOf(), 'running');
    await job(`--method=PUT --header="$JSON" --body-data='["a", "b"]' ${url}/tags`);
    assert.deepEqual(await answer(`${url}/tags`), ['a', 'b']);
    await job(`--post-data='' --header="$JSON" ${url}/reboot`);
    await job(`--method=DELETE ${url}`);
    assert.equal((await wget(url)).code, REFUSED);
  });

  it('is refused without the right password, and where there is nothing', async () => {
    assert.equal((await wget('$URL/version', 'admin', 'wrong')).code, AUTHENTICATION_FAILED);
    assert.equal((await wget('$URL/nothing')).code, REFUSED);
    const { code } = await wget('--method=PUT "$URL/2/tags?tag=x"', 'reader', 'foo');
    assert.equal(code, REFUSED);
  });
});
