// The files that make up the state of a cluster, for backup and restore.

import { AUTHORITY } from './layout.ts';

/** The store. Every backup has it. */
export const STORE = 'cluster.db';

/** The folder with the certificates of master, API server and authorities. */
export const CERTIFICATES = 'certificates';

/** The files of a cluster's state, besides those in the folders of nodes and of further authorities. */
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

/** Files of SQLite beside the store. They must be moved together with it: with another database they would corrupt it. */
export const storeCompanions: readonly string[] = [`${STORE}-wal`, `${STORE}-shm`];
