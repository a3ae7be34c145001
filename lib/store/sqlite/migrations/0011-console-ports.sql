-- Instances of hypervisors with a console at a port of the cluster have one, above those of mirrored disks.
UPDATE objects SET body = json_set(body, '$.network_port', numbered.port)
FROM (
  SELECT uuid, row_number() OVER (ORDER BY uuid) + (
    SELECT coalesce(max(json_extract(body, '$.logical_id[2]')), 10999) FROM objects
    WHERE kind = 'disk' AND json_extract(body, '$.dev_type') = 'drbd'
  ) AS port
  FROM objects
  WHERE kind = 'instance' AND json_extract(body, '$.hypervisor') IN ('kvm', 'xen-hvm')
    AND json_extract(body, '$.network_port') IS NULL
) AS numbered
WHERE objects.kind = 'instance' AND objects.uuid = numbered.uuid AND numbered.port BETWEEN 11000 AND 14999;
