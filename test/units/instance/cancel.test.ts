import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, watch, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { SYSTEM } from '../../../lib/access/principal.ts';
import { findProcess } from '../../../lib/node/processes.ts';
import { TestCluster } from '../../helpers/cluster.ts';
import { inTime } from '../../helpers/patience.ts';
import { conformance } from '../../helpers/program.ts';
import { stateOf } from '../state.ts';

describe('a job that is cancelled while a call is under way', () => {
  let folder: string;
  let cluster: TestCluster;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'merapi-cancel-'));
    await cp(join(conformance, 'os', 'noop'), join(folder, 'slow'), { recursive: true });
    await writeFile(join(folder, 'slow', 'create'), `#!/bin/sh\necho $$ > ${folder}/pid\nexec sleep 3600\n`);
    cluster = await TestCluster.start(['node1'], [], { os_search_path: [folder] });
  });
  after(async () => {
    await cluster.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function begun(): Promise<number> {
    for await (const { filename } of watch(folder))
      if (filename === 'pid') {
        const pid = Number(await readFile(join(folder, 'pid'), 'utf8'));
        if (pid > 0) return pid;
      }
    return assert.fail('the folder is watched no longer');
  }

  it('ends the script of the operating system, and takes back what was made', async () => {
    const before = await stateOf(cluster);
    const running = begun();
    const id = await cluster.manager.submit(SYSTEM, [
      {
        ...{ OP_ID: 'OP_INSTANCE_CREATE', instance_name: 'web.example.com', mode: 'create' },
        ...{ disk_template: 'file', disks: [{ size: 4 }], nics: [{}], os_type: 'slow', pnode: 'node1' },
      },
    ]);
    const pid = await inTime(running, () => 'the script began');
    await cluster.manager.cancelJob(SYSTEM, id);
    const job = await cluster.ended(id);
    assert.equal(job.status, 'canceled');
    assert.equal(await findProcess(pid), null);
    assert.deepEqual(await stateOf(cluster), before);
  });
});
