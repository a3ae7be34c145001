// Prints every method of the RAPI with the opcode that it submits, the unit that does it and the calls on nodes that may make.
import { resources } from '../lib/surfaces/rapi/registry.ts';
import { sourcesOf } from './sources.ts';

const rows = resources.flatMap(({ path, methods }) =>
  Object.entries(methods).map(([method, { opcode }]) => {
    const found = opcode && sourcesOf(opcode);
    return [
      `${method} ${path}`,
      opcode ?? 'no job',
      found?.unit ?? '',
      found ? found.calls.join(' ') || 'none' : '',
    ];
  }),
);
const table = [['METHOD path', 'opcode', 'unit', 'node calls'], ...rows];
const widths = [0, 1, 2].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
for (const row of table) {
  const cells = row.map((cell, column) => cell.padEnd(widths[column] ?? 0));
  console.log(cells.join(' → ').replace(/[ →]+$/, ''));
}
