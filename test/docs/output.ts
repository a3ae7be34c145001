// Compares what a command prints with what a page shows.

/** What differs from one run to the next, as it stands in a pattern. */
const varying: readonly (readonly [RegExp, string])[] = [
  [/\b\d\d:\d\d:\d\d\b/g, '\\d\\d:\\d\\d:\\d\\d'],
  [/\b\d+\\\.\d+\b/g, '\\d+\\.\\d+'],
  // The allocator goes by how much memory the nodes have left, which is that of one machine, at different moments.
  [/\bnode\d\\\.example\\\.com\b/g, 'node\\d\\.example\\.com'],
  // Pages show clusters with real guests, tests have simulated ones.
  [/\bkvm\b/g, '(kvm|fake)'],
];

/**
 * Whether an output is the one that a page shows: `…` stands for any text, spaces for any number of spaces, times and decimal
 * fractions for any others.
 */
export function isOutput(shown: string, output: string): boolean {
  let pattern = shown.trim().replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  for (const [words, meaning] of varying) pattern = pattern.replace(words, () => meaning);
  pattern = pattern
    .replace(/\s*…\s*/g, '[^]*')
    .replace(/ +/g, ' +')
    .replace(/ *\n/g, ' *\n');
  return new RegExp(`^${pattern}$`).test(output.trim());
}
