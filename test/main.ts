// Runs the tests in one process (Node 20 has no way to keep its test runner from starting one for each file): those named on
// the command line, or all.
import { readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const wanted = process.argv.slice(2).map((file) => resolve(file));
const all = readdirSync(here, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts'))
  .sort()
  .map((name) => join(here, name));
for (const file of wanted.length > 0 ? wanted : all) await import(pathToFileURL(file).href);

// A failed test may leave a server or a program behind, which would keep this process for ever.
after(() => {
  const giveUp = () => {
    console.error(`still open 30 s after the last test: ${process.getActiveResourcesInfo().join(' ')}`);
    process.exit(1);
  };
  setTimeout(giveUp, 30_000).unref();
});
