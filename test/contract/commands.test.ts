import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Command } from 'commander';
import { fillClientCommands } from '../../lib/cli/commands/index.ts';
import { clientCommands } from '../../lib/cli/commands/nouns.ts';
import { commandOf } from '../../lib/cli/commands/opcode-names.ts';
import { type OpcodeId, opcodes } from '../../lib/opcodes/registry.ts';

const page = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');

function tree(): Command {
  const merapi = new Command('merapi');
  for (const [name, sentence] of Object.entries(clientCommands)) merapi.command(name).description(sentence);
  fillClientCommands(merapi);
  return merapi;
}

function find(words: readonly string[]): Command | undefined {
  return words.reduce<Command | undefined>(
    (command, word) => command?.commands.find((each) => each.name() === word),
    tree(),
  );
}

describe('the commands', () => {
  it('are decided for every opcode, and are there', () => {
    for (const id of Object.keys(opcodes) as OpcodeId[]) {
      const name = commandOf(id);
      assert.notEqual(name, undefined, `nobody has decided which command does ${id}`);
      if (name) assert.ok(find(name.split(' ')), `merapi ${name} (${id})`);
    }
  });

  it('stand with their opcodes in the generated documentation', () => {
    const text = page('generated/opcodes.md');
    for (const id of Object.keys(opcodes) as OpcodeId[]) {
      const section = text.split(`\n## ${id}\n`)[1]?.split('\n## ')[0] ?? assert.fail(id);
      const name = commandOf(id);
      if (name) assert.ok(section.includes(`\`merapi ${name}\``), `${id}: merapi ${name}`);
    }
  });

  it('of the documentation are there', () => {
    for (const name of ['command-line.md', 'operating.md', 'jobs.md', 'export.md', '../README.md'])
      for (const [, noun = '', verb = ''] of page(name).matchAll(/merapi ([a-z]+) ([a-z-]{3,})\b/g)) {
        if (!Object.hasOwn(clientCommands, noun) || noun === 'query') continue;
        assert.ok(find([noun, verb]), `${name} tells of merapi ${noun} ${verb}`);
      }
  });

  it('can be reached: their nouns are known before anything is loaded', () => {
    for (const command of tree().commands)
      assert.ok([...Object.keys(clientCommands), 'node'].includes(command.name()), command.name());
  });

  it('tell in their help what is required, what is the default, and an example', () => {
    for (const noun of tree().commands)
      for (const command of noun.commands) {
        const help = command.helpInformation();
        const required = command.options.filter((option) => option.mandatory);
        if (required.length > 0) {
          const place = help.indexOf('Required:');
          assert.ok(place > 0 && place < help.indexOf('Connection:'), `${noun.name()} ${command.name()}`);
        }
      }
  });
});
