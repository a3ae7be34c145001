import { fieldTable, text } from './build.ts';

/** The fields of an export that a node keeps. */
export const exportFields = {
  export: text('Export', 'The name of the instance that was exported.'),
  node: text('Node', 'The name of the node that keeps it.'),
};

export const exportTable = fieldTable(exportFields);
