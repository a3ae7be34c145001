-- Node groups know how their nodes reach networks.
UPDATE objects SET body = json_insert(body, '$.networks', json('{}')) WHERE kind = 'nodegroup';
