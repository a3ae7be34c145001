import { readFileSync } from 'node:fs';

/** The version of this program, from its package.json, which stands two folders above this file in lib and in dist alike. */
export const VERSION: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;
