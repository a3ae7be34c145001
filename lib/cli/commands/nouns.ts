/** The commands that talk to a master, with a sentence each; what they can do is loaded when one of them is used. */
export const clientCommands: Readonly<Record<string, string>> = {
  instance: 'make, change and look at instances',
  group: 'make, change and look at node groups',
  network: 'make, change and look at networks',
  job: 'look at jobs, follow and cancel them',
  queue: 'the queue of jobs as a whole',
  filter: 'job filters: what may run, and when',
  export: 'look at exports of instances',
  cluster: 'look at the cluster and change it',
  tag: 'tags of anything',
  os: 'the operating systems for instances',
  query: 'read fields of anything that can be queried',
};
