/** What is in a node's folder, as its worker and `merapi init` make it. */
const names: ReadonlySet<string> = new Set([
  ...['node.json', 'node.pem', 'node.key', 'ca.pem', 'endpoint', 'accel.json', 'faults.json', 'lock'],
  ...[
    'journal',
    'guests',
    'network',
    'log',
    'export',
    'identities',
    'scripts',
    'hooks',
    'volumes',
    'file-storage',
  ],
]);

/** Whether a name in a node's folder is one of the worker's; who keeps other things there has them left alone. */
export function isOfNode(name: string): boolean {
  return names.has(name) || /\.tmp$/.test(name);
}
