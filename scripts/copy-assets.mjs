// Puts what the compiler leaves behind beside the compiled code: the migrations of the store.
import { cpSync } from 'node:fs';

cpSync(
  new URL('../lib/store/migrations/', import.meta.url),
  new URL('../dist/store/migrations/', import.meta.url),
  {
    recursive: true,
  },
);
