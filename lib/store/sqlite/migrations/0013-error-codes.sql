-- Two pairs of error codes meant the same, and three were those of one protocol.
UPDATE job_ops SET failure = json_set(failure, '$.code', 'wrong_input')
WHERE failure IS NOT NULL
  AND json_extract(failure, '$.code') IN ('bad_request', 'unauthorized', 'unsupported_media_type', 'unsupported_method');
UPDATE job_ops SET failure = json_set(failure, '$.code', 'not_found')
WHERE failure IS NOT NULL AND json_extract(failure, '$.code') = 'unknown_entity';
UPDATE job_ops SET undo = json_set(undo, '$.code', 'wrong_input')
WHERE undo IS NOT NULL
  AND json_extract(undo, '$.code') IN ('bad_request', 'unauthorized', 'unsupported_media_type', 'unsupported_method');
UPDATE job_ops SET undo = json_set(undo, '$.code', 'not_found')
WHERE undo IS NOT NULL AND json_extract(undo, '$.code') = 'unknown_entity';
UPDATE job_steps SET failure = json_set(failure, '$.code', 'wrong_input')
WHERE failure IS NOT NULL
  AND json_extract(failure, '$.code') IN ('bad_request', 'unauthorized', 'unsupported_media_type', 'unsupported_method');
UPDATE job_steps SET failure = json_set(failure, '$.code', 'not_found')
WHERE failure IS NOT NULL AND json_extract(failure, '$.code') = 'unknown_entity';
