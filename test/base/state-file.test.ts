import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { z } from 'zod';
import {
  readStateFile,
  removeStateFile,
  type StateFormat,
  writeStateFile,
} from '../../lib/base/state-file.ts';

const format: StateFormat<{ name: string; secret?: string }> = {
  what: 'a thing',
  remedy: 'mend it',
  version: 3,
  schema: z.strictObject({ name: z.string(), secret: z.string().optional() }),
};

const wrong: readonly (readonly [what: string, content: string | Buffer, reason: RegExp])[] = [
  ['empty', '', /it is empty/],
  ['blank', ' \n', /it is empty/],
  ['cut off', '{"format":3,"name":"a', /not valid JSON, or incomplete/],
  ['garbage', 'x{y', /not valid JSON/],
  ['no text', Buffer.from([0x7b, 0xff, 0x7d]), /not text in UTF-8/],
  ['another type', '[]', /has other content/],
  ['null', 'null', /has other content/],
  ['a missing part', '{"format":3}', /its part 'name' is missing/],
  ['a wrong part', '{"format":3,"name":7}', /its part 'name'/],
  ['an unknown part', '{"name":"a","other":1}', /its part 'other' is unknown/],
  [
    'a newer format',
    '{"format":4,"name":"a"}',
    /a newer Merapi wrote it \(format 4; this one supports formats up to 3\)/,
  ],
  ['a format that is none', '{"format":"new","name":"a"}', /its 'format' is not an integer/],
  ['a format of 0', '{"format":0,"name":"a"}', /its 'format' is not an integer/],
  ['a wrong secret', '{"name":"a","secret":["TopSecret"]}', /its part 'secret'/],
];

describe('a state file', () => {
  let folder: string;
  let path: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'merapi-state-file-'));
    path = join(folder, 'thing.json');
  });
  after(() => rm(folder, { recursive: true, force: true }));

  for (const [what, content, reason] of wrong)
    it(`${what} is refused with its name and the remedy, and stays`, async () => {
      await writeFile(path, content);
      await assert.rejects(readStateFile(path, format), (error: Error & { code: string }) => {
        assert.equal(error.code, 'configuration');
        assert.ok(error.message.startsWith(`${path} (a thing) cannot be used: `), error.message);
        assert.ok(error.message.endsWith('; mend it'), error.message);
        assert.match(error.message, reason);
        assert.doesNotMatch(error.message, /TopSecret|expected|Invalid|ZodError|E[A-Z]{4,}/);
        return true;
      });
      assert.deepEqual(await readFile(path), Buffer.from(content));
    });

  it('a folder in its place is named, when it is read and when it is removed', async () => {
    await rm(path, { force: true });
    await mkdir(path);
    const refused = {
      code: 'configuration',
      message: /thing\.json \(a thing\) .* a folder is in its place; mend it/,
    };
    await assert.rejects(readStateFile(path, format), refused);
    await assert.rejects(removeStateFile(path, format), refused);
    await rm(path, { recursive: true });
  });

  it('what was written is read, of the first version too; nobody else may read it', async () => {
    assert.equal(await readStateFile(path, format), null);
    await writeStateFile(path, format, { name: 'a' });
    assert.deepEqual(JSON.parse(await readFile(path, 'utf8')), { format: 3, name: 'a' });
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.deepEqual(await readStateFile(path, format), { name: 'a' });
    await writeFile(path, '{"name":"b"}');
    assert.deepEqual(await readStateFile(path, format), { name: 'b' });
    assert.deepEqual(await readdir(folder), ['thing.json']);
    await removeStateFile(path, format);
    assert.equal(await readStateFile(path, format), null);
  });
});
