import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { generatedDocs } from '../../scripts/render.ts';
import { pages, proseOf, root, textOf } from './blocks.ts';

/** What the headings of a page can be linked by. */
function anchorsOf(page: string): string[] {
  const titles = proseOf(page).match(/^#+ .*$/gm) ?? [];
  return titles.map((title) =>
    title
      .replace(/^#+ /, '')
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
}

/** The links of a page that lead to nothing. */
function brokenLinks(page: string): string[] {
  const links = [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '');
  return links.filter((link) => {
    if (/^https?:/.test(link)) return false;
    const [file, anchor] = link.split('#');
    const target = file ? join(dirname(page), file) : page;
    if (!existsSync(join(root, target))) return true;
    return anchor !== undefined && !anchorsOf(target).includes(anchor);
  });
}

/** The paths of the repository that a page names in code quotes and that do not exist; {a,b} and * stand for several. */
function missingPaths(page: string): string[] {
  const named = [...proseOf(page).matchAll(/`((?:lib|test|docs|scripts|bin|demo)\/[\w./-]+)`/g)];
  return named.map((match) => match[1] ?? '').filter((path) => !existsSync(join(root, path)));
}

describe('the documentation', () => {
  it('has pages', () => assert.ok(pages.length > 15, pages.join()));

  for (const page of pages)
    it(`${page}: links and paths lead somewhere`, () => {
      assert.deepEqual(brokenLinks(page), [], 'links');
      assert.deepEqual(missingPaths(page), [], 'paths');
    });

  for (const [page, text] of generatedDocs())
    it(`${page} is what the registries give (npm run docs)`, () => assert.equal(textOf(page), text));

  it('is reached from the README', () => {
    const reached = new Set(['README.md']);
    for (const page of reached)
      for (const [, link] of textOf(page).matchAll(/\]\(([^)\s#]+\.md)/g))
        if (link && !link.startsWith('http')) reached.add(join(dirname(page), link));
    assert.deepEqual(
      pages.filter((page) => !reached.has(page)),
      [],
    );
  });
});
