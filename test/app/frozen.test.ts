import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { demoGuest } from '../helpers/demo.ts';
import { eventually, killWorker, Programs } from '../helpers/program.ts';

const guest = '/2/instances/web.example.com/guest';

describe('a guest whose file systems are frozen', () => {
  const programs = new Programs();
  after(() => programs.close());

  it('is thawed when its worker was killed, and when its master was', async () => {
    const dir = join(await programs.folder(), 'state');
    const cluster = await programs.clusterFile({
      enabled_hypervisors: ['kvm'],
      enabled_disk_templates: ['file'],
      os_search_path: [join(await demoGuest(), 'os')],
      hvparams: {
        kvm: { kvm_path: '/usr/bin/qemu-system-x86_64', kernel_path: '', machine_version: 'pc,accel=tcg' },
      },
      file_storage_dir: join(dir, 'file-storage'),
    });
    let program = await programs.up({ dir, cluster });
    let client = await program.client();
    const standing = () => client.get<{ channel: string; frozen: boolean }>(guest);
    await client.done('POST', '/2/instances', {
      ...{ __version__: 1, mode: 'create', name: 'web.example.com', os: 'demo', disk_template: 'file' },
      ...{ disks: [{ size: 128 }], nics: [], beparams: { memory: 128 } },
    });
    await eventually('its agent', async () => ((await standing()).channel === 'open' ? true : null));
    const freeze = async () => {
      await client.done('PUT', `${guest}/fsfreeze`, { ttl: 3600 });
      assert.equal((await standing()).frozen, true);
    };
    const thawed = () =>
      eventually('it is thawed', async () => {
        const answer = await client.get<{ return: string }>(`${guest}/fsfreeze`).catch(() => null);
        return answer?.return === 'thawed' ? true : null;
      });

    await freeze();
    await killWorker(dir);
    await thawed();

    await eventually('the worker is back', async () =>
      (await standing().catch(() => null))?.channel === 'open' ? true : null,
    );
    await freeze();
    await program.kill9();
    program = await programs.up({ dir, cluster });
    client = await program.client();
    await thawed();
    assert.equal((await standing()).frozen, false);

    await client.done('DELETE', '/2/instances/web.example.com?shutdown_timeout=0');
    await program.stop();
  });
});
