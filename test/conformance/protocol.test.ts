import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { run } from '../../lib/base/exec.ts';
import { conformance, Programs } from '../helpers/program.ts';

/** What the comparing program writes. */
interface Report {
  passed: number;
  total: number;
  failed: { id: string; request: string; differences: string[] }[];
}

describe('the recordings of a real cluster', () => {
  const programs = new Programs();
  after(() => programs.close());
  /** How many steps are answered in the same way; these numbers may only rise. */
  let minimum: { protocol: number; all: number };
  let report: Report;

  it('can be compared with a new cluster', async () => {
    minimum = JSON.parse(await readFile(join(conformance, 'minimum.json'), 'utf8'));
    const program = await programs.up({ cluster: join(conformance, 'cluster.json') });
    // The recorded cluster had run five jobs when the recording began: three made it, as here, and two were its owner's.
    const client = await program.client();
    for (const _job of [4, 5]) await client.jobEnd(await client.submit('PUT', '/2/redistribute-config'));
    const file = join(await programs.folder(), 'report.json');
    const args = ['rapi_conformance.py', 'compare', program.url, 'open.json', '--json', file];
    const { stderr } = await run('python3', args, { cwd: conformance, timeout: 300_000 });
    assert.equal(stderr, '');
    report = JSON.parse(await readFile(file, 'utf8'));
    await program.stop();
    assert.deepEqual(program.complaints, []);
    const recorded: unknown[] = JSON.parse(await readFile(join(conformance, 'open.json'), 'utf8'));
    assert.equal(report.total, recorded.length);
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
