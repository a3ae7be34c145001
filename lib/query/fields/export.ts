import { fieldTable, text } from './build.ts';

/** The fields of an export that is stored on a node. */
export const exportFields = {
  export: text('Export', 'The name of the instance that was exported.'),
  node: text('Node', 'The name of the node that stores it.'),
};

/** All fields of an export. */
export const exportTable = fieldTable(exportFields);
