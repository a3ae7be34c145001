-- Fingerprints of requests that were made without the cluster's key are not kept: a short secret in a request could be guessed from one.
UPDATE idempotency SET print = '';
