import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { hashPassword } from '../../lib/access/users.ts';
import { VERSION } from '../../lib/base/version.ts';
import { conformance, Programs } from '../helpers/program.ts';

const concurrency = 2;

describe('merapi --help', { concurrency }, () => {
  const programs = new Programs();
  after(() => programs.close());
  const commands = ['', 'up', 'init', 'master', 'node', 'user', 'version'];
  for (const command of [...commands, 'user add', 'user list', 'user remove', 'user hash'])
    it(`tells how 'merapi ${command}' is used`, async () => {
      const words = command.split(' ').filter((word) => word !== '');
      const { code, stdout, stderr } = await programs.run([...words, '--help']);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      assert.ok(stdout.startsWith(`Usage: ${['merapi', ...words].join(' ')} `), stdout);
      if (command === '') for (const each of commands) assert.match(stdout, new RegExp(`^  ${each}`, 'm'));
    });

  it('names every option of merapi up', async () => {
    const { stdout } = await programs.run(['up', '--help']);
    const options =
      'dir cluster users bind port no-ssl require-authentication stop-instances accel os-folder';
    for (const option of options.split(' ')) assert.match(stdout, new RegExp(`--${option}\\b`));
  });

  it('tells its version', async () => {
    for (const words of [['version'], ['--version']])
      assert.equal((await programs.run(words)).stdout, `merapi ${VERSION}\n`);
  });
});

describe('merapi with wrong options or files', { concurrency }, () => {
  const programs = new Programs();
  after(() => programs.close());
  let folder: string;
  before(async () => {
    folder = await programs.folder();
    const spec = JSON.parse(await readFile(`${conformance}cluster.json`, 'utf8'));
    const put = (name: string, content: unknown) =>
      writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
    await put('good.json', spec);
    await put('text.json', '{"name": "a",\n "nodes":\n}');
    await put('key.json', { ...spec, colour: 'blue' });
    await put('type.json', { ...spec, nodes: 'node1.example.com' });
    await put('twice.json', { ...spec, nodes: [spec.nodes[0], spec.nodes[0]] });
    await put('master.json', { ...spec, master: 'node9.example.com' });
    await put('hypervisor.json', { ...spec, hvparams: { kvm: { no_such_thing: 1 } } });
    await put('users', 'admin secret write\n');
    await put('broken-users', 'admin secret write\nreader\n');
  });

  /** The command (@ stands for the folder) and what must be told. */
  const cases: [string, RegExp][] = [
    ['', /The command is missing/],
    ['user', /The command is missing/],
    ['bogus', /unknown command 'bogus'/],
    ['version now', /too many arguments/],
    ['up --prot 1', /unknown option '--prot'/],
    ['up --port abc', /'abc' is invalid. It must be a number from 0 to 65535/],
    ['up --port 65536', /'65536' is invalid/],
    ['up --accel warp', /'warp' is invalid.*kvm, tcg/],
    ['up --dir @/s --port 0 --cluster @/none.json', /cluster file .*none.json cannot be read/],
    ['up --dir @/s --port 0 --cluster @/text.json', /text.json cannot be read.*JSON/],
    ['up --dir @/s --port 0 --cluster @/key.json', /key.json is invalid: .*"colour"/],
    ['up --dir @/s --port 0 --cluster @/type.json', /type.json is invalid: nodes must be a list, not /],
    ['up --dir @/s --port 0 --cluster @/twice.json', /names node node1.example.com twice/],
    ['up --dir @/s --port 0 --cluster @/master.json', /names node9.example.com as master/],
    ['up --dir @/s --port 0 --cluster @/hypervisor.json', /hypervisor.json is invalid: .*no_such_thing/],
    ['up --dir @/s --port 0 --cluster @/good.json --users @/none', /users file .*none is missing/],
    ['up --dir @/s --port 0 --cluster @/good.json --users @/broken-users', /Line 2 .* has no password/],
    ['up --dir @/s --port 0 --cluster @/good.json --bind 192.0.2.1', /Cannot listen .*192.0.2.1/],
    [
      'up --dir @/s --port 0 --cluster @/good.json --bind=',
      /'--bind <address>' argument '' is invalid. It must be an address/,
    ],
    ['node --dir @/s --bind=', /must be an address or a host name, e.g. 127.0.0.1/],
    ['user remove admin --users @/users', /admin was not removed: .*repeat with --yes/],
    ['up --dir @/users --port 0 --cluster @/good.json', /users.*a part of its path is not a folder/],
    ['init --dir @/s', /required option '--cluster <file>'/],
    ['init --dir @/s --cluster @/key.json', /"colour"/],
    ['master --dir @/s --port 0', /s contains no cluster; create one with 'merapi init'/],
    ['node', /--dir is missing: the folder of the node/],
    ['node --dir @/s', /node.json .the settings of a node. .*is missing/],
    ['user add', /missing required argument 'name'/],
    ['user add jane --users @/s --rights all', /'all' is invalid.*none, read, write/],
    ['user add jane --users @/s', /password is missing/],
    ['user list --users @/none', /no users file/],
    ['user remove jane --users @/none', /no users file/],
    ['user remove jane --users @/users', /no user 'jane'/],
    ['user hash jane', /password is missing/],
  ];
  for (const [command, wanted] of cases)
    it(`refuses 'merapi ${command}'`, async () => {
      const files = await contentOf(folder);
      const words = command.split(' ').filter((word) => word !== '');
      const args = words.map((word) => word.replace('@', folder));
      const { code, stdout, stderr } = await programs.run(args, { cwd: folder });
      assert.match(stderr, wanted);
      assert.match(stderr, /^merapi: [^\n]+\n$/);
      assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
      assert.deepEqual(await contentOf(folder), files);
    });

  it("refuses a name that cannot be a user's", async () => {
    const users = join(folder, 's');
    const { code, stderr } = await programs.run(['user', 'add', 'a b', '--users', users], { input: 'x\n' });
    assert.equal(code, 2);
    assert.match(stderr, /^merapi: 'a b' cannot be a user's name[^\n]+\n$/);
    await assert.rejects(stat(users), { code: 'ENOENT' });
  });
});

describe('merapi user', () => {
  const programs = new Programs();
  after(() => programs.close());
  it('adds, lists and removes users and leaves all other lines alone', async () => {
    const file = join(await programs.folder(), 'users');
    const run = async (words: string[], input?: string) => {
      const result = await programs.run(['user', ...words, '--users', file], { input });
      assert.equal(result.code, 0, result.stderr);
      return result.stdout;
    };
    await run(['add', 'jane', '--rights', 'write'], 'first\n');
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    await writeFile(file, `# mine\n${await readFile(file, 'utf8')}joe {cleartext}x read\n`);
    await run(['add', 'guest', '--rights', 'none'], 'open');
    await run(['add', 'jane'], 'second\nthis is not read\n');
    assert.deepEqual((await readFile(file, 'utf8')).split('\n'), [
      '# mine',
      `jane ${hashPassword('jane', 'second')} read`,
      'joe {cleartext}x read',
      `guest ${hashPassword('guest', 'open')}`,
      '',
    ]);
    assert.equal(await run(['list']), 'jane read\njoe read\nguest none\n');
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    await run(['remove', 'jane']);
    assert.equal(await run(['list']), 'joe read\nguest none\n');
    assert.match(await readFile(file, 'utf8'), /^# mine\njoe /);
  });

  it('prints the hash of a password', async () => {
    const { stdout } = await programs.run(['user', 'hash', 'jane'], { input: 'secret\n' });
    assert.equal(stdout, `${hashPassword('jane', 'secret')}\n`);
  });
});

/** Every file below a folder with its text. */
async function contentOf(folder: string): Promise<Record<string, string>> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const folders = found.filter((entry) => !entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const texts = await Promise.all(files.map(async (file) => [file, await readFile(file, 'utf8')]));
  return { ...Object.fromEntries(texts), folders: folders.join() };
}
