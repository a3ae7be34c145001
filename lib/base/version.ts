import { readFileSync } from 'node:fs';
import { installed } from './installation.ts';

/** The version of this program, from its package.json. */
export const VERSION: string = (
  JSON.parse(readFileSync(installed('package.json'), 'utf8')) as { version: string }
).version;
