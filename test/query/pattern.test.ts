import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MerapiError } from '../../lib/base/errors.ts';
import { compilePattern, MAX_PATTERN_LENGTH } from '../../lib/query/pattern.ts';

/** A pattern, texts that it matches, and texts that it does not. */
const cases: [string, string[], string[]][] = [
  ['^node[12]', ['node1.example.com', 'node2'], ['node3', 'anode1']],
  ['web', ['web', 'my-web-1'], ['WEB', 'wb']],
  ['', ['', 'anything'], []],
  ['^$', [''], ['a']],
  ['^a|b$', ['ax', 'xb'], ['xa', 'bx']],
  ['(?i)^WEB', ['web1', 'Web1'], ['xweb']],
  ['x(?i:AB)c', ['xabc', 'xAbc'], ['XABc', 'xabC']],
  ['(?s)a.b', ['a\nb'], ['ab']],
  ['a.b', ['axb', 'a\u{1f600}b'], ['a\nb', 'ab']],
  ['(?m)^b$', ['a\nb\nc', 'b'], ['ab']],
  ['\\Aa\\Z', ['a'], ['a\n', 'ba']],
  ['a\\z', ['ba'], ['a\n']],
  ['a$', ['a', 'a\n'], ['a\n\n', 'ab']],
  ['a{2,3}b', ['aab', 'aaab', 'aaaab'], ['ab']],
  ['^a{2}$', ['aa'], ['a', 'aaa']],
  ['^a{,2}$', ['', 'aa'], ['aaa']],
  ['^a{2,}$', ['aa', 'aaaaa'], ['a']],
  ['a{x}', ['a{x}'], ['ax']],
  ['^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$', ['01234567-89ab-cdef-0123-456789abcdef'], ['01234567']],
  ['^a{500}$', ['a'.repeat(500)], ['a'.repeat(499)]],
  ['a+?b*?c??d', ['ad', 'aabbcd'], ['bcd']],
  ['[[:digit:]_]{3}', ['1_2'], ['1-2']],
  ['[[:^alpha:]]', ['1'], ['a']],
  ['[\\b\\u0041]', ['\b', 'A'], ['b', 'u']],
  ['^\\é+[\\é]$', ['éé'], ['e']],
  ['(?u)(?ai)^A$', ['a'], ['b']],
  ['(?P<n>a)(?P<n>b)', ['ab'], ['a']],
  ['a(?i)b', ['aB'], ['AB']],
  ['[]a]', [']', 'a'], ['b', '[']],
  ['[^]a]', ['b'], [']', 'a']],
  ['[a-c-]', ['-', 'b'], ['d']],
  ['[\\w.-]+@', ['a.b-c@'], ['@']],
  ['[\\d-x]', ['-', '5', 'x'], ['y']],
  ['\\bweb\\b', ['a web b', 'web'], ['webs', 'aweb']],
  ['\\Bb', ['ab'], ['b', ' b']],
  ['\\x41\\u0042\\x{43}', ['ABC'], ['abc']],
  ['web\\-1\\.example', ['web-1.example'], ['web-1xexample']],
  ['(?P<name>a)(?<other>b)(?:c)(?#remark)d', ['abcd'], ['abc']],
  ['(a|b|)c', ['ac', 'bc', 'c'], ['a']],
  ['(a*)*b', ['b', 'aab'], ['a']],
  ['(|a)+$', ['', 'aaa'], []],
  ['\\t\\n\\S\\s\\D', ['\t\nx y'], ['\t\nx 1']],
];

const wrong: [string, RegExp][] = [
  ['(', /^The regular expression '\(' is invalid: missing closing \); the syntax is that of RE2/],
  ['web(1$', /'web\(1\$' is invalid: missing closing \);/],
  ['a)', /unexpected \)/],
  ['[a', /missing closing \]/],
  ['web[', /missing closing \] \('\['\);/],
  ['[]', /missing closing \]/],
  ['[z-a]', /invalid character class range \('z-a'\)/],
  ['[a-\\d]', /invalid escape sequence \('\\d'\)/],
  ['[[:nosuch:]]', /invalid character class range \('\[:nosuch:\]'\)/],
  ['*a', /missing argument to repetition operator \('\*'\)/],
  ['(?u)*', /missing argument to repetition operator/],
  ['{2}', /missing argument to repetition operator/],
  ['a**', /invalid nested repetition operator \('\*\*'\)/],
  ['a++', /invalid nested repetition operator/],
  ['a{2}{3}', /invalid nested repetition operator/],
  ['a{3,2}', /invalid repeat count \('\{3,2\}'\)/],
  ['a\\', /trailing backslash/],
  ['a\\q', /invalid escape sequence \('\\q'\)/],
  ['\\Q[\\Ea', /invalid escape sequence \('\\Q'\)/],
  ['\\pL', /invalid character class range|invalid escape/],
  ['(a)\\1', /invalid escape sequence \('\\1'\)/],
  ['(?=a)', /invalid or unsupported Perl syntax \('\(\?='\)/],
  ['(?<!a)b', /without look-around/],
  ['(?>a)', /unsupported Perl syntax/],
  ['(?x)a', /unsupported Perl syntax/],
  ['(?', /unsupported Perl syntax|missing/],
  ['(?#', /unsupported Perl syntax/],
  ['a{1001}', /repeats too much/],
  ['a{99999999999999999999}', /repeats too much/],
  ['a{1000}{1000}', /repeats too much/],
  ['a{1000}a{1000}', /repeats too much/],
  ['(){1000}(){1000}', /repeats too much/],
  ['((a{50}){50}){50}', /repeats too much/],
  ['(a{0,30}|[^)]{,30}){40,}', /repeats too much/],
  ['a'.repeat(MAX_PATTERN_LENGTH + 1), /has 257 characters/],
];

describe('query/pattern', () => {
  for (const [pattern, yes, no] of cases)
    it(`matches /${pattern}/`, () => {
      const matches = compilePattern(pattern);
      for (const text of yes) assert.equal(matches(text), true, JSON.stringify(text));
      for (const text of no) assert.equal(matches(text), false, JSON.stringify(text));
    });

  for (const [pattern, text] of wrong)
    it(`refuses /${pattern.slice(0, 20)}/`, () => {
      assert.throws(
        () => compilePattern(pattern),
        (error) => error instanceof MerapiError && error.code === 'wrong_input' && text.test(error.message),
      );
    });

  it('ends on patterns on which backtracking would not', () => {
    const text = `${'a'.repeat(2000)}!`;
    for (const pattern of ['^(a+)+$', '^(a|a)*$', '^(a?){100}a{100}$', '(.*.*.*.*x)+$'])
      assert.equal(compilePattern(pattern)(text), false, pattern);
  });

  it('agrees with the regular expressions of JavaScript where the syntax is the same', () => {
    const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\w', '\\.', '^', '$', '\\b', '\\B');
    const { pattern } = fc.letrec<{ pattern: string; part: string }>((tie) => ({
      part: fc.oneof(
        { maxDepth: 3 },
        atom,
        fc
          .tuple(tie('pattern'), fc.constantFrom('', '*', '+', '?', '{2}', '{0,2}', '{1,}', '*?', '+?'))
          .map(([inner, count]) => `(${inner})${count}`),
      ),
      pattern: fc
        .array(fc.array(tie('part'), { maxLength: 3 }), { minLength: 1, maxLength: 3 })
        .map((choices) => choices.map((parts) => parts.join('')).join('|')),
    }));
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', ' '), maxLength: 6 });
    fc.assert(
      fc.property(pattern, text, (source, value) => {
        fc.pre(source.length <= 50);
        assert.equal(compilePattern(source)(value), new RegExp(source).test(value));
      }),
      { numRuns: 1500 },
    );
  });

  it('answers or refuses any text, and never fails otherwise', () => {
    const source = fc.string({
      unit: fc.oneof(
        fc.constantFrom(...'()[]{}|*+?\\^$.-,:<>!=#19adwPixZ'),
        fc.string({ minLength: 1, maxLength: 1 }),
      ),
      maxLength: 24,
    });
    fc.assert(
      fc.property(source, fc.string(), (pattern, value) => {
        try {
          assert.equal(typeof compilePattern(pattern)(value), 'boolean');
        } catch (error) {
          assert.ok(error instanceof MerapiError && error.code === 'wrong_input', String(error));
        }
      }),
      { numRuns: 3000 },
    );
  });
});
