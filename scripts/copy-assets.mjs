// Puts what the compiler leaves behind beside the compiled code: the migrations of the SQLite store.
import { cpSync } from 'node:fs';

cpSync(
  new URL('../lib/store/sqlite/migrations/', import.meta.url),
  new URL('../dist/store/sqlite/migrations/', import.meta.url),
  {
    recursive: true,
  },
);
