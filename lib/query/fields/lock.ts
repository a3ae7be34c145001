import { fieldTable, list, other } from './build.ts';

/** The fields of a lock that a job or duty holds or waits for. */
export const lockFields = {
  mode: other('Mode', 'How it is held: shared or exclusive.'),
  name: other('Name', 'Its level and the name of what it protects.'),
  owner: list('Owner', 'The jobs that hold it.'),
  pending: list('Pending', 'Who waits for it, in order: the mode and the jobs.'),
};

/** All fields of a lock. */
export const lockTable = fieldTable(lockFields);
