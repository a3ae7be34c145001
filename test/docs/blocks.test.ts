import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { generatedDocs } from '../../scripts/render.ts';
import { Programs } from '../helpers/program.ts';
import { checkJson, checkRequest } from './api.ts';
import { type Block, blocksOf, commandsOf, pages, textOf } from './blocks.ts';
import { isOutput } from './output.ts';
import { type Outcome, runPage } from './session.ts';
import { problemsOf } from './typescript.ts';

/** The nodes that the examples of a page have. */
const nodesOf = (page: string) =>
  page === 'docs/command-line.md' ? ['node1', 'node2', 'node3'].map((name) => `${name}.example.com`) : ['vm'];

const generated = generatedDocs();
const found = new Map(pages.map((page) => [page, blocksOf(page, textOf(page))]));
const blocksIn = (language: string): Block[] =>
  [...found].flatMap(([page, { blocks }]) =>
    generated.has(page) ? [] : blocks.filter((block) => block.language === language),
  );
const title = ({ page, line }: Block) => `${page}:${line}`;

describe('the code blocks of the documentation', () => {
  it('are fenced, have a language, and a reason where they are not run', () =>
    assert.deepEqual(
      [...found.values()].flatMap(({ problems }) => problems),
      [],
    ));

  describe('in TypeScript', () => {
    const blocks = blocksIn('ts');
    let problems: string[][];
    before(() => {
      problems = problemsOf(blocks);
    });
    for (const [index, block] of blocks.entries())
      it(`${title(block)} compiles`, () => assert.deepEqual(problems[index], []));
  });

  for (const block of blocksIn('json')) it(`${title(block)} is right JSON`, () => checkJson(block));
  for (const block of blocksIn('http'))
    it(`${title(block)} is a request of the API`, () => checkRequest(block));
});

describe('the commands of the documentation', () => {
  const runnable = [...blocksIn('sh'), ...blocksIn('console')].filter(({ key }) => key !== 'no-run');
  for (const page of pages) {
    const commands = runnable
      .filter((block) => block.page === page)
      .sort((a, b) => a.line - b.line)
      .flatMap(commandsOf);
    if (commands.length === 0) continue;
    describe(page, () => {
      const programs = new Programs();
      after(() => programs.close());
      let outcomes: Outcome[];
      before(async () => {
        outcomes = await runPage(programs, commands, nodesOf(page));
      });
      for (const [index, { block, text, output }] of commands.entries())
        it(`${title(block)} ${text.split('\n')[0]}`, () => {
          const outcome = outcomes[index] ?? assert.fail('it was not run');
          assert.equal(outcome.code, 0, outcome.output);
          if (output !== null)
            assert.ok(
              isOutput(output, outcome.output),
              `the page shows\n${output}\nit is\n${outcome.output}`,
            );
        });
    });
  }
});
