import type { Command } from 'commander';
import { dutyCommands } from './duties.ts';
import { guestCommand } from './guest/index.ts';
import { reinstallCommand } from './instance.ts';
import { jobCommands, queueCommands } from './jobs.ts';
import { nouns, objectCommands, queryCommand } from './objects.ts';
import { filterCommands, readCommand, tagCommands } from './others.ts';
import { storageCommands } from './storage.ts';
import { opcodeCommands } from './submit.ts';

/**
 * Adds the subcommands of all commands that need only the API (nouns.ts has their names). Loaded only when one of them is used, for it
 * loads the registry of opcodes.
 */
export function fillClientCommands(merapi: Command): void {
  const nounOf = (name: string): Command =>
    merapi.commands.find((command) => command.name() === name) ?? merapi.command(name);
  for (const noun of nouns) objectCommands(nounOf(noun.name), noun);
  opcodeCommands(nounOf);
  reinstallCommand(nounOf('instance'));
  guestCommand(nounOf('instance'));
  storageCommands(nounOf('node'));
  jobCommands(nounOf('job'));
  queueCommands(nounOf('queue'));
  readCommand(nounOf('queue'), 'show', 'show the state of the job queue', '/2/queue');
  filterCommands(nounOf('filter'));
  tagCommands(nounOf('tag'));
  readCommand(nounOf('cluster'), 'info', 'show the details of the cluster', '/2/info');
  dutyCommands(nounOf('cluster'));
  readCommand(nounOf('os'), 'list', 'list the operating systems that all nodes have', '/2/os');
  queryCommand(nounOf('query'));
}
