// Fails when a source file is longer than the house allows: long files hide that they do more than one thing.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const limits = { lib: 300, test: 500, bin: 300, scripts: 300, demo: 300 };
// Each of these is one class that is one thing, and may be longer.
const CLASS_LIMIT = 400;
const classes = [
  'lib/jobs/journal.ts',
  'lib/jobs/queue.ts',
  'lib/node/hypervisors/kvm/guest.ts',
  'lib/rpc/client.ts',
  'lib/store/snapshot.ts',
];
// What a program of ours has written is data: the recordings, a copied program of reference.
const isCode = (name) => !name.includes('conformance/') && !/\.(json|md)$/.test(name);

const tooLong = Object.entries(limits).flatMap(([folder, limit]) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length))
    .filter(isCode)
    .map((name) => ({
      name,
      limit: classes.includes(name) ? CLASS_LIMIT : limit,
      lines: readFileSync(join(root, name), 'utf8').split('\n').length - 1,
    }))
    .filter(({ lines, limit: most }) => lines > most),
);
for (const { name, limit, lines } of tooLong)
  console.error(`${name} has ${lines} lines; at most ${limit} are allowed`);
process.exitCode = tooLong.length > 0 ? 1 : 0;
