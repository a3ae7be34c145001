import { AUTHORITY } from './layout.ts';

/** The store itself; nothing is a backup without it. */
export const STORE = 'cluster.db';

/** The folder of a state that holds the certificates of master, API and authorities. */
export const CERTIFICATES = 'certificates';

/** What of a state folder makes the cluster, besides the folders of nodes and further authorities. */
export const stateFiles: readonly string[] = [
  STORE,
  'secret.key',
  'cluster-domain-secret',
  'admin-password',
  'rapi/users',
  ...[AUTHORITY, 'master', 'rapi'].flatMap((name) => [
    `${CERTIFICATES}/${name}.pem`,
    `${CERTIFICATES}/${name}.key`,
  ]),
];

/** What SQLite keeps beside the store while it is open; it goes with the store that it belongs to. */
export const storeCompanions: readonly string[] = [`${STORE}-wal`, `${STORE}-shm`];
