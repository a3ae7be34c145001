import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { MerapiError } from '../../lib/base/errors.ts';
import { VERSION } from '../../lib/base/version.ts';
import { clusterInfo } from '../../lib/views/cluster.ts';
import { tagsOf } from '../../lib/views/tags.ts';
import { aCluster, aGroup, aNode, anInstance, viewOf } from '../helpers/view.ts';

/** The keys of /2/info as Ganeti answers them. */
const recordedKeys =
  `software_version protocol_version config_version os_api_version export_version vcs_version
  architecture name master default_hypervisor enabled_hypervisors hvparams os_hvp beparams osparams ipolicy nicparams ndparams
  diskparams candidate_pool_size max_running_jobs max_tracked_jobs mac_prefix master_netdev master_netmask
  use_external_mip_script volume_group_name drbd_usermode_helper file_storage_dir shared_file_storage_dir gluster_storage_dir
  maintain_node_health ctime mtime uuid tags uid_pool default_iallocator default_iallocator_params reserved_lvs
  primary_ip_version prealloc_wipe_disks hidden_os blacklisted_os enabled_disk_templates install_image
  instance_communication_network zeroing_image compression_tools enabled_user_shutdown enabled_data_collectors
  data_collector_interval modify_ssh_setup ssh_key_type ssh_key_bits vg_name drbd_helper`.split(/\s+/);

const view = viewOf({
  cluster: aCluster({ tags: ['c'], enabled_hypervisors: ['kvm', 'fake'] }),
  nodes: [aNode('node1', { tags: ['n'] })],
  groups: [aGroup({ tags: ['g'] })],
  instances: [anInstance('web', { tags: ['a', 'b'] })],
});

describe('views/cluster', () => {
  it('has the recorded keys in their order, and merapi_version after software_version', () => {
    const info = clusterInfo(view);
    assert.deepEqual(Object.keys(info), [recordedKeys[0], 'merapi_version', ...recordedKeys.slice(1)]);
    assert.ok(Object.values(info).every((value) => value !== undefined));
  });

  it('tells versions, names and defaults', () => {
    const info = clusterInfo(view);
    assert.equal(info.software_version, '3.1.0');
    assert.equal(info.config_version, 3010000);
    assert.equal(info.master, 'node1.example.com');
    assert.equal(info.default_hypervisor, 'kvm');
    assert.deepEqual(info.beparams, { default: aCluster().beparams });
    assert.deepEqual(info.tags, ['c']);
    assert.equal((info.architecture as string[]).length, 2);
    const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    assert.equal(VERSION, (JSON.parse(text) as { version: string }).version);
    assert.equal(info.merapi_version, VERSION);
  });

  it('fails as unavailable before the cluster is initialised', () => {
    assert.throws(
      () => clusterInfo(viewOf({ cluster: null })),
      (error) => error instanceof MerapiError && error.code === 'unavailable',
    );
  });
});

describe('views/tags', () => {
  it('gives the tags of every kind of object, host names abbreviated or not', () => {
    assert.deepEqual(tagsOf(view, 'cluster', null), ['c']);
    assert.deepEqual(tagsOf(view, 'node', 'node1'), ['n']);
    assert.deepEqual(tagsOf(view, 'instance', 'WEB.example.com'), ['a', 'b']);
    assert.deepEqual(tagsOf(view, 'nodegroup', 'default'), ['g']);
  });

  it('names what does not exist', () => {
    for (const kind of ['node', 'instance', 'nodegroup', 'network'] as const)
      assert.throws(
        () => tagsOf(view, kind, 'nosuch'),
        (error) =>
          error instanceof MerapiError && error.code === 'not_found' && /'nosuch'/.test(error.message),
      );
  });

  it('is the same object until the cluster or the name of its master changes', () => {
    const cluster = aCluster();
    const nodes = [aNode('node1')];
    const info = clusterInfo(viewOf({ cluster, nodes }));
    assert.equal(clusterInfo(viewOf({ cluster, nodes })), info);
    const renamed = viewOf({ cluster, nodes: [aNode('node1', { name: 'other.example.com' })] });
    assert.equal(clusterInfo(renamed).master, 'other.example.com');
    const tagged = viewOf({ cluster: aCluster({ tags: ['new'] }), nodes });
    assert.deepEqual(clusterInfo(tagged).tags, ['new']);
  });
});
