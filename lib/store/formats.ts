// The versions of the formats in which unfinished jobs are stored. The first release had version 1 of both and did not store it.
// Increment one with a change that an older or newer release would misread. lib/jobs/perform.ts decides what a release can resume.

/** The parameters of a job's opcodes. Version 1 may lack parameters that were added since. */
export const JOB_FORMAT = 2;

/** The steps of an opcode, as the journal and hooks use them. The outcomes of a unit's own steps are covered by the unit's version. */
export const JOURNAL_FORMAT = 2;
