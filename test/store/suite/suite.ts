import { describe } from 'node:test';
import { commitTests } from './commits.ts';
import type { MakeStore } from './define.ts';
import { eventTests } from './events.ts';
import { failureTests } from './failures.ts';
import { jobTests } from './jobs.ts';
import { ownerTests } from './owners.ts';
import { pastTests } from './past.ts';

/**
 * What every store must do, whatever keeps its data: the sentences of lib/store/define.ts as tests, by its interfaces alone. To be
 * called at the top of the store's test file.
 */
export function storeSuite(name: string, make: MakeStore): void {
  describe(`store ${name}: commits`, () => commitTests(make));
  describe(`store ${name}: commits that fail`, () => failureTests(make));
  describe(`store ${name}: owners`, () => ownerTests(make));
  describe(`store ${name}: events`, () => eventTests(make));
  describe(`store ${name}: jobs`, () => jobTests(make));
  describe(`store ${name}: the past`, () => pastTests(make));
}
