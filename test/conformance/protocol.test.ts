import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { run } from '../../lib/base/exec.ts';
import { explanationOf } from '../compare/decisions.ts';
import type { Recorded } from '../compare/step.ts';
import { conformance, type Program, Programs } from '../helpers/program.ts';

/** What the comparing program writes. */
interface Report {
  passed: number;
  total: number;
  failed: { id: string; request: string; differences: string[] }[];
}

/** Compares a new cluster with a recording; `prepare` is done before. */
async function compared(
  programs: Programs,
  recording: string,
  prepare: (program: Program) => Promise<void> = async () => undefined,
): Promise<Report> {
  const program = await programs.up({ cluster: join(conformance, 'cluster.json') });
  await prepare(program);
  const file = join(await programs.folder(), 'report.json');
  const args = ['rapi_conformance.py', 'compare', program.url, recording, '--json', file];
  const { stderr } = await run('python3', args, { cwd: conformance, timeout: 300_000 });
  assert.equal(stderr, '');
  const report: Report = JSON.parse(await readFile(file, 'utf8'));
  await program.stop();
  assert.deepEqual(program.complaints, []);
  const recorded: unknown[] = JSON.parse(await readFile(join(conformance, recording), 'utf8'));
  assert.equal(report.total, recorded.length);
  return report;
}

describe('the recordings of a real cluster', () => {
  const programs = new Programs();
  after(() => programs.close());
  /** How many steps are answered in the same way; these numbers may only rise. */
  let minimum: { protocol: number; all: number };
  let report: Report;

  it('can be compared with a new cluster', async () => {
    minimum = JSON.parse(await readFile(join(conformance, 'minimum.json'), 'utf8'));
    report = await compared(programs, 'open.json', async (program) => {
      // The recorded cluster had run five jobs when the recording began: three made it, as here, and two were its owner's.
      const client = await program.client();
      for (const _job of [4, 5]) await client.jobEnd(await client.submit('PUT', '/2/redistribute-config'));
    });
  });

  it('that our own comparison led to are answered in the same way', async () => {
    const { failed } = await compared(programs, 'found.json');
    const recording: Recorded[] = JSON.parse(await readFile(join(conformance, 'found.json'), 'utf8'));
    const steps = new Map(recording.map((recorded) => [recorded.step.id, recorded]));
    // Each cluster numbers its own jobs.
    const isNumber = (id: string) => (difference: string) =>
      explanationOf(steps.get(id) ?? assert.fail(id), difference)?.id === 'job-ids';
    const open = failed.filter(({ id, differences }) => !differences.every(isNumber(id)));
    assert.deepEqual(open, []);
  });

  it('are answered in the same way as often as ever', () => {
    assert.ok(
      report.passed >= minimum.all,
      `${report.passed} steps are answered in the same way, no longer ${minimum.all}`,
    );
  });

  it('differ in the protocol only where the documentation says so', async () => {
    const failed = report.failed.filter(({ id }) => id.startsWith('protocol/'));
    const documented = await readFile(join(conformance, '../../docs/compatibility.md'), 'utf8');
    const unexplained = failed.filter(({ id }) => !documented.includes(id));
    assert.deepEqual(unexplained, []);
    const steps: { step: { id: string } }[] = JSON.parse(
      await readFile(join(conformance, 'open.json'), 'utf8'),
    );
    const total = steps.filter(({ step }) => step.id.startsWith('protocol/')).length;
    assert.ok(total - failed.length >= minimum.protocol, `only ${total - failed.length} of ${total}`);
  });
});
