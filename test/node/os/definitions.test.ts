import assert from 'node:assert/strict';
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { apiVersionOf, findDefinition, listDefinitions } from '../../../lib/node/os/definitions.ts';
import { OsDefinition } from '../../../lib/rpc/calls/os.ts';
import { Resources } from '../helpers.ts';
import { fullOs, plainOs, without, writeOs } from './definitions-on-disk.ts';

describe('OS definitions', () => {
  const resources = new Resources();
  after(() => resources.close());

  async function folderWith(definitions: Record<string, Record<string, string>>): Promise<string> {
    const folder = await resources.folder();
    for (const [name, files] of Object.entries(definitions)) await writeOs(folder, name, files);
    return folder;
  }

  it('lists what a definition offers', async () => {
    const folder = await folderWith({ full: fullOs, plain: plainOs });
    const path = (name: string) => join(folder, name);
    const definitions = await listDefinitions([folder]);
    for (const definition of definitions) assert.deepEqual(OsDefinition.parse(definition), definition);
    const common = { valid: true, message: '', trusted: true };
    assert.deepEqual(definitions, [
      {
        ...common,
        name: 'full',
        path: path('full'),
        variants: ['small', 'big'],
        parameters: [
          ['dhcp', 'Whether to use DHCP'],
          ['root-size', 'The size of the root'],
          ['bare', ''],
        ],
        api_versions: [20, 15],
      },
      { ...common, name: 'plain', path: path('plain'), variants: [], parameters: [], api_versions: [10] },
    ]);
  });

  it('reads only what belongs to the version', async () => {
    const folder = await folderWith({
      ten: { ...fullOs, ganeti_api_version: '5\n10\n' },
      fifteen: { ...without(without(fullOs, 'verify'), 'parameters.list'), ganeti_api_version: '15' },
      twenty: without(fullOs, 'variants.list'),
      empty: { ...fullOs, 'variants.list': '# none\n', 'parameters.list': '' },
    });
    const told = (await listDefinitions([folder])).map((one) => [
      one.name,
      one.valid && apiVersionOf(one),
      one.variants.length,
      one.parameters.length,
    ]);
    assert.deepEqual(told, [
      ['empty', 20, 0, 0],
      ['fifteen', 15, 2, 0],
      ['ten', 10, 0, 0],
      ['twenty', 20, 0, 3],
    ]);
  });

  it('lists wrong definitions with the reason', async () => {
    const wrong: Record<string, [Record<string, string>, RegExp]> = {
      versionless: [without(plainOs, 'ganeti_api_version'), /ganeti_api_version/],
      wordy: [{ ...plainOs, ganeti_api_version: 'ten' }, /a number on each line/],
      ancient: [{ ...plainOs, ganeti_api_version: '5\n' }, /one of 10, 15, 20; it names: 5/],
      blank: [{ ...plainOs, ganeti_api_version: '' }, /it names: none/],
      scriptless: [without(plainOs, 'rename'), /rename is missing/],
      unverified: [without(fullOs, 'verify'), /verify is missing/],
      parameterless: [without(fullOs, 'parameters.list'), /parameters.list/],
      untrusted: [{ ...plainOs, create_untrusted: '#!/bin/sh\n' }, /create_untrusted/],
      'spa ced': [plainOs, /letters, digits/],
    };
    const files = Object.entries(wrong).map(([name, [content]]) => [name, content]);
    const folder = await folderWith(Object.fromEntries(files));
    await writeOs(folder, 'passive', plainOs);
    await chmod(join(folder, 'passive', 'create'), 0o644);
    wrong.passive = [plainOs, /create is not executable/];
    await writeOs(folder, 'folded', without(plainOs, 'export'));
    await mkdir(join(folder, 'folded', 'export'));
    wrong.folded = [plainOs, /export is not a file/];
    const definitions = await listDefinitions([folder]);
    assert.deepEqual(definitions.map(({ name }) => name).sort(), Object.keys(wrong).sort());
    for (const { name, valid, message, variants, parameters, trusted } of definitions) {
      assert.equal(valid, false, name);
      assert.match(message, wrong[name]?.[1] as RegExp);
      assert.deepEqual([variants, parameters, trusted], [[], [], name !== 'untrusted']);
    }
  });

  it('searches folders in order; files, hidden and missing folders do not count', async () => {
    const first = await folderWith({ both: plainOs, '.hidden': plainOs });
    const second = await folderWith({ both: fullOs, target: plainOs });
    await writeFile(join(first, 'file'), '');
    await symlink(join(second, 'target'), join(first, 'linked'));
    const searchPath = [join(first, 'missing'), join(first, 'file'), first, second];
    const paths = (await listDefinitions(searchPath)).map(({ path }) => path);
    assert.deepEqual(paths, [join(first, 'both'), join(first, 'linked'), join(second, 'target')]);
    assert.deepEqual(await listDefinitions([]), []);
  });

  it('finds the definition of an instance with its variant', async () => {
    const folder = await folderWith({ full: fullOs, plain: plainOs, broken: {} });
    const find = async (os: string) => {
      const { definition, variant } = await findDefinition([folder], os);
      return [definition.name, variant];
    };
    assert.deepEqual(await find('plain'), ['plain', '']);
    assert.deepEqual(await find('full+big'), ['full', 'big']);
    assert.deepEqual(await find('full+undeclared'), ['full', 'undeclared']);
    const rejects = (os: string, message: RegExp) =>
      assert.rejects(find(os), { code: 'wrong_input', message });
    await rejects('full', /needs a variant: full\+small, full\+big/);
    await rejects('full+', /needs a variant/);
    await rejects('plain+x', /has no variants/);
    await rejects('broken', /not usable.*ganeti_api_version/);
    await rejects('absent', new RegExp(`no OS 'absent'.*${folder}`));
    await rejects('../plain', /no OS/);
    await rejects('', /no OS/);
    await rm(join(folder, 'plain', 'create'));
    await rejects('plain', /create is missing/);
  });
});
