import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { after, describe, it } from 'node:test';
import { MerapiError } from '../../../lib/base/errors.ts';
import { Dumps } from '../../../lib/node/backup/dumps.ts';
import { OsInstaller } from '../../../lib/node/os/installer.ts';
import { StoragePaths } from '../../../lib/node/storage/paths.ts';
import { createStorage } from '../../../lib/node/storage/registry.ts';
import { fileDisk, instanceTarget, Resources } from '../helpers.ts';
import { plainOs, writeOs } from './definitions-on-disk.ts';

const never = new AbortController().signal;
const MIB = 1024 * 1024;

describe('dumps of disks', () => {
  const resources = new Resources();
  after(() => resources.close());

  /** An instance with a disk of 1 MiB, and an OS with these scripts; without scripts it has no OS. */
  async function make(scripts: { export?: string; import?: string } | null) {
    const root = await resources.folder();
    const [folder, searched, disks] = [join(root, 'worker'), join(root, 'os'), join(root, 'disks')];
    const own = Object.entries(scripts ?? {}).map(([name, text]) => [name, `#!/bin/sh\n${text}\n`]);
    await writeOs(searched, 'system', { ...plainOs, ...Object.fromEntries(own) });
    const storage = createStorage(new StoragePaths([disks], []), null);
    const disk = fileDisk(join(disks, 'web', 'disk0'));
    await storage.of(disk).create(disk);
    const dumps = new Dumps(storage, new OsInstaller(folder, storage));
    const instance = instanceTarget({ os: scripts ? 'system' : '', disks: [disk] });
    const params = { instance, search_path: [searched], osparams: { key: 'hunter2' }, debug: 0 };
    const path = join(disks, 'web', 'disk0');
    return {
      folder,
      path,
      open: () => dumps.open(params, 0, disk),
      restore: (data: Readable, signal = never) => dumps.restore(params, 0, data, signal),
      running: () => readdir(join(folder, 'scripts')).catch(() => []),
    };
  }
  async function textOf(data: Readable): Promise<string> {
    let text = '';
    for await (const chunk of data) text += chunk;
    return text;
  }

  it('are what the export script writes, on its standard output alone', async () => {
    const script = 'echo noise >&2; echo "$EXPORT_INDEX $OSP_KEY"; head -c 4 "$EXPORT_DEVICE"';
    const { open, path, folder } = await make({ export: script });
    await writeFile(path, 'data', { flag: 'r+' });
    assert.equal(await textOf(await open()), '0 hunter2\ndata');
    assert.equal(await readFile(join(folder, 'log', 'os-web.example.com.disk0.log'), 'utf8'), 'noise\n');
  });

  it('fail with the script, whatever it has written, and show no secrets', async () => {
    const { open } = await make({ export: 'echo much; echo "no $OSP_KEY" >&2; exit 4' });
    await assert.rejects(textOf(await open()), {
      code: 'execution',
      message: /^The export script of OS 'system' .* failed with exit code 4: no <OSP_KEY>$/,
    });
  });

  it('end their script when nobody reads them', async () => {
    const { open, running } = await make({ export: 'yes' });
    const data = await open();
    for await (const _chunk of data) break;
    while ((await running()).length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it('are given to the import script, on an empty disk', async () => {
    const { restore, path } = await make({ import: 'dd of="$IMPORT_DEVICE" conv=notrunc 2>/dev/null' });
    await writeFile(path, 'what was there before', { flag: 'r+' });
    const big = randomBytes(MIB - 7);
    await restore(Readable.from([big.subarray(0, 100_000), big.subarray(100_000)]));
    assert.ok((await readFile(path)).equals(Buffer.concat([big, Buffer.alloc(7)])));
  });

  it('are read to their end also when the script wants no more of them', async () => {
    const { restore } = await make({ import: 'head -c 10 >/dev/null' });
    let read = 0;
    const data = Readable.from(
      (function* () {
        for (; read < 100; read++) yield Buffer.alloc(65_536);
      })(),
    );
    await restore(data);
    assert.equal(read, 100);
  });

  it('that break off end the script and leave its success out of account', async () => {
    const { restore, running } = await make({ import: 'cat >/dev/null; exit 0' });
    const broken = Readable.from(
      (async function* () {
        yield Buffer.alloc(1000);
        throw new MerapiError('execution', 'the line is cut');
      })(),
    );
    await assert.rejects(restore(broken), { code: 'execution', message: 'the line is cut' });
    assert.deepEqual(await running(), []);
    const endless = new PassThrough();
    const stop = new AbortController();
    const waiting = assert.rejects(restore(endless, stop.signal), { message: 'closing' });
    while ((await running()).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    stop.abort(new MerapiError('unavailable', 'closing'));
    await waiting;
  });

  it('are the bytes themselves where an instance has no OS', async () => {
    const { open, restore, path } = await make(null);
    const bytes = randomBytes(MIB);
    await restore(Readable.from([bytes]));
    assert.ok((await readFile(path)).equals(bytes));
    const parts: Buffer[] = [];
    for await (const chunk of await open()) parts.push(chunk);
    assert.ok(Buffer.concat(parts).equals(bytes));
    await assert.rejects(restore(Readable.from([bytes.subarray(1)])), {
      code: 'block_device',
      message: /of 1 MiB was sent/,
    });
  });
});
