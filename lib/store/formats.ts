/**
 * The versions of what a job that has not ended is stored in. The first release had version 1 of both and did not store it. A
 * change that an older or newer release could not read as it is meant takes the next number.
 */

/** The values of a job's opcodes: version 1 may lack parameters that came since. */
export const JOB_FORMAT = 2;

/** The steps of an opcode, what the jobs themselves keep in them included; what a unit keeps in them has a version of its own. */
export const JOURNAL_FORMAT = 2;
