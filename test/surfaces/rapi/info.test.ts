import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { VERSION } from '../../../lib/base/version.ts';
import { showCluster } from '../../../lib/surfaces/rapi/info.ts';
import { shownCluster } from '../../../lib/views/cluster.ts';
import { aCluster, aNode, viewOf } from '../../helpers/view.ts';

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

describe('surfaces/rapi/info', () => {
  const view = viewOf({
    cluster: aCluster({ tags: ['c'], enabled_hypervisors: ['kvm', 'fake'] }),
    nodes: [aNode('node1')],
  });
  const info = showCluster(shownCluster(view));

  it('has the recorded keys in their order, and merapi_version after software_version', () => {
    assert.deepEqual(Object.keys(info), [recordedKeys[0], 'merapi_version', ...recordedKeys.slice(1)]);
    assert.ok(
      Object.values(info).every((value) => value !== undefined),
      'each key has a value',
    );
  });

  it('tells versions, names and defaults', () => {
    assert.equal(info.software_version, '3.1.0');
    assert.equal(info.config_version, 3010000);
    assert.equal(info.master, 'node1.example.com');
    assert.equal(info.default_hypervisor, 'kvm');
    assert.deepEqual(info.beparams, { default: aCluster().beparams });
    assert.deepEqual(info.tags, ['c']);
    assert.equal((info.architecture as string[]).length, 2);
    const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
    assert.equal(VERSION, (JSON.parse(text) as { version: string }).version);
    assert.equal(info.merapi_version, VERSION);
  });
});
