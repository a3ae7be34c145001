/** The cluster did not do what it was asked for, which it has told. */
export class CommandFailed extends Error {}
