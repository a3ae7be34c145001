-- The cluster keeps the nodes that are yet to join it, and the instances that its orderly end shut down.
UPDATE objects SET body = json_insert(body, '$.awaited_nodes', json('[]'), '$.stopped_instances', json('[]'))
WHERE kind = 'cluster';
