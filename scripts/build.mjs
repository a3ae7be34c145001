// Builds `dist` from `lib`: one bundle for each program and thread, with what they share in chunks. A process that loads a few large files
// starts in less than half the time of one that loads a thousand small ones, and most commands of `merapi` do little else than start.
// Types are checked by `npm run check:types`, not here.
import { cpSync, existsSync, renameSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** undici.mjs in the place of undici's own index. */
const partOfUndici = {
  name: 'part of undici',
  setup: ({ onResolve }) => onResolve({ filter: /^undici$/ }, () => ({ path: at('scripts/undici.mjs') })),
};

const remove = (path) => rmSync(at(path), { recursive: true, force: true });

remove('dist.new');
await build({
  entryPoints: [at('lib/cli/main.ts'), at('lib/store/sqlite/worker.ts')],
  outbase: at('lib'),
  outdir: at('dist.new'),
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: 'linked',
  // A smaller text is read faster; names stay, for the sake of stack traces.
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 200,
  plugins: [partOfUndici],
  // It finds its native part by the place of its files.
  external: ['better-sqlite3'],
  // The libraries that are CommonJS load Node's own modules by require().
  banner: {
    js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
cpSync(at('lib/store/sqlite/migrations'), at('dist.new/store/sqlite/migrations'), { recursive: true });

// A build that fails leaves the last one as it was.
remove('dist.old');
if (existsSync(at('dist'))) renameSync(at('dist'), at('dist.old'));
renameSync(at('dist.new'), at('dist'));
remove('dist.old');
