import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { resources } from '../../lib/surfaces/rapi/registry.ts';
import { pathPattern } from '../../lib/surfaces/rapi/resource.ts';
import { Random } from '../helpers/random.ts';
import { decisions } from './decisions.ts';
import { episodesOf } from './episodes.ts';
import { linesOf, summaryOf } from './report.ts';
import { type Recorded, type Step, scenarioOf } from './step.ts';

const scenario = (seed: string, requests: number) => scenarioOf(episodesOf(new Random(seed), requests));

describe('the comparison with a live Ganeti', () => {
  it('makes the same requests from the same seed, and others from another', () => {
    assert.deepEqual(scenario('a', 500), scenario('a', 500));
    assert.notDeepEqual(scenario('a', 500), scenario('b', 500));
  });

  it('asks for every resource that Ganeti has', async () => {
    const ganeti: { path: string }[] = JSON.parse(
      await readFile(new URL('../contract/resources.json', import.meta.url), 'utf8'),
    );
    const asked = [...scenario('a', 3000), ...scenario('b', 3000)].map(({ p }) =>
      (p.split('?')[0] as string).replaceAll(/\{\w\}/g, '1'),
    );
    const known = ganeti.map(({ path }) => new RegExp(`^${path.replaceAll(/^\^|\$$/g, '')}$`));
    const missing = resources
      .map(({ path }) => pathPattern(path))
      .filter((pattern) =>
        known.some((each) => each.source.replaceAll('\\.', '.') === pattern.source.replaceAll('\\.', '.')),
      )
      .filter((pattern) => !asked.some((path) => pattern.test(path)));
    assert.deepEqual(missing, []);
  });

  it('gives every step an id of its own', () => {
    const ids = scenario('a', 1000).map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
  });

  it('tells apart what is meant to differ, what follows from that, and what is not explained', () => {
    const step = (id: string, more: Partial<Step> = {}): Recorded => ({
      step: { id, m: 'GET', p: '/2', ...more },
      answer: {},
    });
    const steps = [
      step('a/0.1', { m: 'PUT', job: true }),
      step('a/0.2'),
      step('b/1.1'),
      step('b/1.2'),
      step('c/2.1'),
    ];
    const failed = ['a/0.1', 'a/0.2', 'b/1.1'].map((id) => ({
      id,
      request: '',
      differences: ['nobody explains this'],
    }));
    const summary = summaryOf(steps, failed);
    assert.deepEqual(
      { ...summary, unexplained: summary.unexplained.map((each) => each.step.id) },
      { requests: 5, same: 2, explained: [], following: 1, unexplained: ['a/0.1', 'b/1.1'] },
    );
    assert.match(
      linesOf(summary, 1).join('\n'),
      /and 1 more[\s\S]*5 requests: 2 the same, 0 explained, 1 after a difference, 2 unexplained/,
    );
  });

  it('has each decision in the documentation', async () => {
    const page = await readFile(new URL('../../docs/compatibility.md', import.meta.url), 'utf8');
    const missing = decisions.filter(({ id }) => !page.includes(`\`${id}\``));
    assert.deepEqual(missing, []);
    assert.equal(new Set(decisions.map(({ id }) => id)).size, decisions.length);
  });
});
