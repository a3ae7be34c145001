import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formatIni, type Ini, parseIni } from '../../lib/base/ini.ts';

const plain = (sections: Ini) => JSON.parse(JSON.stringify(sections));

describe('files in the form of configparser', () => {
  it('are read back as they were written', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,8}$/);
    const line = fc.stringMatching(/^[!-~](?:[ -~]*[!-~])?$/).filter((text) => !/^[#;]/.test(text));
    const value = fc.oneof(
      fc.constant(''),
      fc.array(line, { minLength: 1, maxLength: 3 }).map((lines) => lines.join('\n')),
    );
    const sections = fc.dictionary(name, fc.dictionary(name, value, { noNullPrototype: true }), {
      noNullPrototype: true,
    });
    fc.assert(
      fc.property(sections, (ini) => {
        assert.deepEqual(plain(parseIni(formatIni(ini))), ini);
      }),
    );
  });

  it('are read as Ganeti writes them', () => {
    const text =
      '[export]\nversion = 0\n\n# a remark\n[instance]\nNIC0_mac: aa:00:00:00:00:01\ncmd = 50%% of\n\tit\ntags =\n';
    assert.deepEqual(plain(parseIni(text)), {
      export: { version: '0' },
      instance: { nic0_mac: 'aa:00:00:00:00:01', cmd: '50% of\nit', tags: '' },
    });
  });

  it('are refused when they are none, with the line', () => {
    for (const [text, line] of [
      ['name = value', 1],
      ['[a]\nnothing', 2],
      ['[a]\n  more', 2],
    ] as const)
      assert.throws(() => parseIni(text), {
        code: 'configuration',
        message: new RegExp(`^Line ${line} cannot`),
      });
  });
});
