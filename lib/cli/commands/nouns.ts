/** The commands that talk to a master, with their descriptions. Their subcommands are loaded when one of them is used (index.ts). */
export const clientCommands: Readonly<Record<string, string>> = {
  instance: 'create, change and show instances',
  group: 'create, change and show node groups',
  network: 'create, change and show networks',
  job: 'show, follow and cancel jobs',
  queue: 'the job queue as a whole',
  filter: 'job filters: which jobs may run, and when',
  export: 'list exports of instances',
  cluster: 'show and change the cluster',
  tag: 'list, add and remove tags of objects',
  os: 'the operating systems for instances',
  query: 'read fields of any resource that can be queried',
};
