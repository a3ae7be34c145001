// The names in a node's folder. The worker restricts the permissions of these files and leaves everything else in the folder alone,
// so a file that a new feature adds there must be listed here.

/** The files and folders that the worker and `merapi init` create in a node's folder. */
const names: ReadonlySet<string> = new Set([
  ...['node.json', 'node.pem', 'node.key', 'ca.pem', 'endpoint', 'accel.json', 'faults.json', 'lock'],
  ...[
    'journal',
    'guests',
    'network',
    'log',
    'export',
    'identities',
    'frozen',
    'starts',
    'uploads',
    'scripts',
    'hooks',
    'volumes',
    'file-storage',
  ],
]);

/** Whether a name in a node's folder is one of the worker's own; `.tmp` files are its interrupted writes. */
export function isOfNode(name: string): boolean {
  return names.has(name) || /\.tmp$/.test(name);
}
