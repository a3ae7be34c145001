-- Settings of the cluster that the first release did not have.
UPDATE objects
SET body = json_insert(
  body,
  '$.vg_name', NULL,
  '$.drbd_helper', NULL,
  '$.osparams_private', NULL,
  '$.uid_pool', json('[]'),
  '$.reserved_lvs', json('[]'),
  '$.compression_tools', json('["gzip","gzip-fast","gzip-slow"]'),
  '$.use_external_mip_script', json('false'),
  '$.modify_etc_hosts', json('false'),
  '$.enabled_user_shutdown', json('false'),
  '$.enabled_data_collectors', json('{}'),
  '$.data_collector_interval', json('{}')
)
WHERE kind = 'cluster';
