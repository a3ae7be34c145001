import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Program, Programs } from '../helpers/program.ts';

describe('the commands that talk to a master', () => {
  const programs = new Programs();
  after(() => programs.close());
  let program: Program;
  const merapi = (line: string) => programs.run([...line.split(' '), '--dir', program.dir]);
  /** What a command that must succeed prints. */
  const told = async (line: string) => {
    const { code, stdout, stderr } = await merapi(line);
    assert.equal(code, 0, `${line}: ${stderr}`);
    return stdout;
  };
  before(async () => {
    program = await programs.up({ users: null });
  });

  it('make an instance, show it, and change it', async () => {
    const made = await merapi(
      'instance add web.example.com --mode create --disk-template file --disks size=8,mode=rw --disks size=16 --nics mode=bridged --os-type noop --name-check no',
    );
    assert.equal(made.code, 0, made.stderr);
    assert.match(made.stdout, /^\["node1[^"]*"\]\n$/);
    assert.match(made.stderr, /^\d\d:\d\d:\d\d Creating 2 disks on node1/m, 'the log of the job');
    const listed = JSON.parse(await told('instance list web -o name,disk.sizes,status --json'));
    assert.deepEqual(listed, [{ name: 'web.example.com', 'disk.sizes': [8, 16], status: 'running' }]);
    assert.match(await told('instance list'), /^Instance .*\nweb\.example\.com .* running /);
    assert.equal(await told('instance shutdown web --quiet'), '');
    assert.match(await told('instance info web.example.com'), /^status: ADMIN_down$/m);
    const filter = [
      'instance',
      'list',
      '-o',
      'name',
      '--no-titles',
      '--filter',
      '["=", "status", "ADMIN_down"]',
    ];
    const filtered = await programs.run([...filter, '--dir', program.dir]);
    assert.equal(filtered.stdout, 'web.example.com\n');
    await told('tag add instance web.example.com a b');
    assert.equal(await told('tag list instance web.example.com'), 'a\nb\n');
    await told('tag remove instance web.example.com a');
    assert.equal(await told('tag list instance web.example.com --json'), '["b"]\n');
    const job = (await told('instance remove web --submit')).trim();
    assert.match(job, /^\d+$/);
    await told(`job wait ${job}`);
    assert.equal(await told('instance list --no-titles'), '');
    assert.match(
      await told('job list'),
      new RegExp(`^ *${job} +success +INSTANCE_REMOVE\\(web\\.example\\.com\\)$`, 'm'),
    );
    assert.match(await told(`job info ${job}`), /^status: success$/m);
  });

  it('show the cluster and what belongs to it', async () => {
    assert.equal(JSON.parse(await told('cluster info --json')).name, 'cluster.example.com');
    assert.equal(await told('os list'), 'noop\n');
    assert.match(await told('node list'), /^Node .*\nnode1\S* +M /);
    assert.match(await told('group info default'), /^alloc_policy: preferred$/m);
    assert.match(await told('query job'), /^opstatus: /m);
    assert.match(await told('query job -o id,opstatus'), /^ *1 +success$/m);
  });

  it('reinstall, move and list storage units', async () => {
    await told(
      'instance add own.example.com --mode create --disk-template file --disks size=8 --nics mode=bridged --os-type noop --no-install yes --start no',
    );
    assert.equal(
      await told('instance list own -o status --no-titles'),
      'ADMIN_down\n',
      'not installed, so not started',
    );
    await told('instance reinstall own --os noop --no-start --quiet');
    assert.equal(await told('instance list own -o status --no-titles'), 'ADMIN_down\n');
    await told('instance reinstall own --quiet');
    const { stderr } = await merapi('instance shutdown own --no-remember --timeout 7');
    assert.match(stderr, /Waiting up to 7 s for the guest to shut down/);
    assert.equal(
      await told('instance list own -o admin_state --no-titles'),
      'up\n',
      'it is still meant to run',
    );
    assert.match(await told('node storage-list node1 --type file'), /file-storage/);
    assert.match((await merapi('node storage-repair node1 x --type file')).stderr, /^merapi: .*repair/);
    const sent = await merapi('instance change-group own --target-groups nosuch');
    assert.deepEqual([sent.code, /There is no .*group 'nosuch'/.test(sent.stderr)], [1, true], sent.stderr);
    await told('instance remove own --quiet');
  });

  it('follow the jobs that a job has submitted, and fail when these fail', async () => {
    const instances = (os: string) =>
      JSON.stringify([
        {
          OP_ID: 'OP_INSTANCE_CREATE',
          instance_name: 'multi.example.com',
          mode: 'create',
          disk_template: 'diskless',
          disks: [],
          nics: [],
          os_type: os,
        },
      ]);
    const add = (os: string) =>
      programs.run([
        ...['instance', 'multi-alloc', '--iallocator', 'hail', '--instances', instances(os)],
        ...['--dir', program.dir],
      ]);
    const made = await add('noop');
    assert.equal(made.code, 0, made.stderr);
    assert.match(made.stderr, /^Following job \d+\n[\s\S]*Adding instance multi\.example\.com/m);
    const again = await add('noop');
    assert.equal(again.code, 1, `${again.stdout}${again.stderr}`);
    assert.match(again.stderr, /multi\.example\.com/);
    await told('instance remove multi --quiet');
  });

  it('tell times as the clock here shows them, with their distance from UTC', async () => {
    assert.match(
      await told('group list -o ctime --no-titles'),
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}\n$/,
    );
    assert.match(await told('group info default'), /^ctime: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}$/m);
    assert.match(await told('job list 1 -o end_ts --no-titles'), /^\d{4}-\d\d-\d\d .* [+-]\d{4}\n$/);
  });

  it('tell in one line what is wrong, with 1 when the cluster said no and 2 when the command is wrong', async () => {
    const cases: [string, number, RegExp][] = [
      [
        'instance startup web',
        1,
        /Job \d+ \(INSTANCE_STARTUP\(web\)\) ended in error: There is no instance 'web'/,
      ],
      ['instance info web', 1, /There is no instance 'web'/],
      ['job cancel 1', 1, /Job 1 not found in queue/],
      ['job info one', 2, /'one' is not a job id/],
      [
        'instance reboot web --reboot-type odd',
        2,
        /'--reboot-type' has a wrong value. It must be one of .*soft.*, e\.g\. .*not "odd"/,
      ],
      ['group add', 2, /missing required argument 'group-name'/],
      ['instance wash web', 2, /unknown command 'wash'/],
      ['tag add house a b', 2, /'house' has no tags/],
      ['tag add instance web', 2, /The tags are missing/],
      ['node list --url http://127.0.0.1:1', 2, /127\.0\.0\.1:1 does not answer/],
      ['node list --user alice', 2, /MERAPI_PASSWORD/],
      ['node list -o nothing --filter [', 2, /--filter must be JSON, not '\['/],
      ['filter add --priority high', 2, /--priority.*It must be an integer/],
      ['node list -o name,nothing', 2, /There is no field 'nothing' of node; merapi query node lists/],
      ['query job -o id,odd', 2, /There is no field 'odd' of job/],
      ['instance list web', 1, /There is no instance 'web'; merapi instance list shows/],
      ['node list node1 node7 -o role', 1, /There is no node .*'node7'/],
    ];
    for (const [line, wanted, words] of cases) {
      const { code, stdout, stderr } = await merapi(line);
      assert.equal(stdout, '', line);
      assert.match(stderr, words);
      assert.match(stderr, /^merapi: .*\n$/, line);
      assert.equal(code, wanted, line);
    }
    const { code, stderr } = await programs.run(['node', 'list', '--dir', await programs.folder()]);
    assert.equal(code, 2);
    assert.match(stderr, /No master is running in .*; start one, or give the URL of another with --url/);
  });
});
