import { bool, fieldTable, list, number, other, text } from './build.ts';

/** The fields of a job. */
export const jobFields = {
  archived: bool('Archived', 'Whether the job is archived.'),
  end_ts: other('End', 'When it ended.', 'time'),
  id: number('ID', 'Its number.'),
  opend: list('OpCode_end', 'When each of its opcodes ended.'),
  opexec: list('OpCode_exec', 'When each of its opcodes had acquired its locks.'),
  oplog: list('OpCode_log', 'The log lines of each opcode: serial number, time, type, text.'),
  oppriority: list('OpCode_prio', 'The priority of each opcode.'),
  opresult: list('OpCode_result', 'The result of each opcode, or the class and the text of its failure.'),
  ops: list('OpCodes', 'The opcodes with their parameters.'),
  opstart: list('OpCode_start', 'When each of its opcodes started.'),
  opstatus: list('OpCode_status', 'The status of each opcode.'),
  priority: number('Priority', 'Its priority; jobs with smaller numbers go first.'),
  received_ts: other('Received', 'When it was submitted.', 'time'),
  start_ts: other('Start', 'When it started.', 'time'),
  status: text('Status', 'Its status.'),
  summary: list('Summary', 'A short text for each opcode.'),
};

/** All fields of a job. */
export const jobTable = fieldTable(jobFields);
