/** A command failed for a reason outside of its command line (exit code 1, not 2). The message is for the user. */
export class CommandFailed extends Error {}
