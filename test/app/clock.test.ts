import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { AUTHORITY, layoutOf } from '../../lib/app/layout.ts';
import { eventually, type Program, Programs } from '../helpers/program.ts';

/** Of Debian's package libfaketime. */
const FAKETIME = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';
const YEAR = 365 * 86_400_000;

describe('the clock of a whole cluster', () => {
  const programs = new Programs();
  let dir = '';
  /** Holds the difference from the real clock, which running programs read each second. */
  let clock = '';
  let program: Program;

  before(async () => {
    dir = join(await programs.folder(), 'state');
    clock = join(await programs.folder(), 'clock');
    await start('+0');
  });
  after(() => programs.close());

  const env = () => ({
    ...{ LD_PRELOAD: FAKETIME, FAKETIME_TIMESTAMP_FILE: clock, FAKETIME_CACHE_DURATION: '1' },
    // Waits do not go by the clock, and files keep their own times.
    ...{ FAKETIME_DONT_FAKE_MONOTONIC: '1', NO_FAKE_STAT: '1' },
  });
  const set = (shift: string) => writeFile(clock, shift);
  async function start(shift: string): Promise<void> {
    await set(shift);
    program = await programs.up({ dir, env: env() });
  }

  /** The time that the master gives to a job on a node, in ms, when that has ended well. */
  async function jobTime(): Promise<number> {
    const client = await program.client();
    const url = '/2/nodes/node1.example.com/storage?storage_type=file&output_fields=name,size';
    const { id, status, opresult } = await client.jobEnd(await client.submit('GET', url));
    assert.equal(status, 'success', JSON.stringify(opresult));
    return (await client.get<{ end_ts: [number, number] }>(`/2/jobs/${id}`)).end_ts[0] * 1000;
  }
  async function isAbout(shift: number): Promise<void> {
    await eventually(`the clock is ${shift} ms ahead`, async () => {
      const off = (await jobTime()) - Date.now() - shift;
      return Math.abs(off) < 3_600_000 ? true : null;
    });
  }
  const authority = () => readFile(join(layoutOf(dir).certificates, `${AUTHORITY}.key`), 'utf8');

  it('may be eleven years ahead at a start: the authority stays, and nodes answer', async () => {
    const key = await authority();
    await isAbout(0);
    await program.stop();
    await start('+11y');
    await isAbout(11 * YEAR);
    assert.equal(await authority(), key, 'the key of the authority is the old one');
    const node = new X509Certificate(
      await readFile(join(layoutOf(dir).nodeFolder('node1.example.com'), 'node.pem')),
    );
    assert.ok(
      Date.parse(node.validTo) > Date.now() + 11 * YEAR,
      `the node's certificate ends ${node.validTo}`,
    );
    await program.stop();
  });

  it('may be right again then', async () => {
    const key = await authority();
    await start('+0');
    await isAbout(0);
    assert.equal(await authority(), key);
  });

  it('may jump by years under a running cluster, forwards and back', async () => {
    for (const [shift, years] of [
      ['+12y', 12],
      ['+0', 0],
      ['-6y', -6],
      ['+0', 0],
    ] as const) {
      await set(shift);
      await isAbout(years * YEAR);
    }
    await program.stop();
  });
});
