import assert from 'node:assert/strict';
import type { EndState, NodeState, StoredDisk, StoredInstance, StoredJobRow } from './state.ts';

export const at = <T>(list: readonly T[], index: number): T =>
  list[index] ?? assert.fail(`there is no item ${index}`);
export const jobOf = (state: EndState, id: number): StoredJobRow => at(state.jobs, id - 1);
const opOf = (state: EndState, id: number) => at(jobOf(state, id).ops, 0);
const web = (state: EndState): StoredInstance => at(state.objects.instances, 0);
const db = (state: EndState): StoredInstance => at(state.objects.instances, 1);
const mirrored = (state: EndState): StoredDisk => at(state.objects.disks, 1);
export const node = (state: EndState, name: string): NodeState => state.nodes[name] ?? assert.fail(name);
export const file = (path: string, size: number) => ({ path, size, time: 20 });

/** What is done to a good state, and what is told of it; at least one for each check. */
export const damages: [check: string, (state: EndState) => unknown, told: RegExp][] = [
  [
    'every acknowledged job is there and is what was asked for',
    (s) => s.jobs.splice(3, 1),
    /^Job 4, told for client1-3, is lost/,
  ],
  [
    'every acknowledged job is there and is what was asked for',
    (s) => {
      opOf(s, 4).input.amount = 7;
    },
    /has amount 7; 6 was asked for/,
  ],
  [
    'every acknowledged job is there and is what was asked for',
    (s) => {
      opOf(s, 7).input.reason = [];
    },
    /^Job 7 was told for client1-6; it is of null/,
  ],
  [
    'every acknowledged job is there and is what was asked for',
    (s) => {
      opOf(s, 6).input.OP_ID = 'OP_NOTHING';
    },
    /does OP_NOTHING instead of OP_INSTANCE_REMOVE/,
  ],
  [
    'every job was asked for, once',
    (s) => s.jobs.push({ ...structuredClone(jobOf(s, 7)), id: 11 }),
    /^Job 11 comes from client1-6 as job 7 does/,
  ],
  [
    'every job was asked for, once',
    (s) => {
      s.setupJobs = 0;
    },
    /^Job 1 is one that nobody asked for/,
  ],
  [
    'every job was asked for, once',
    (s) => {
      at(s.notes, 5).outcome = { kind: 'refused', status: 503, text: '' };
    },
    /^Job 7 comes from client1-6, which was refused/,
  ],
  [
    'every job has ended, in one way',
    (s) => {
      jobOf(s, 7).status = 'running';
    },
    /^Job 7 has not ended: it is running/,
  ],
  [
    'every job has ended, in one way',
    (s) => {
      opOf(s, 7).status = 'error';
    },
    /is success; its opcodes are error/,
  ],
  [
    'every job has ended, in one way',
    (s) => {
      opOf(s, 7).end = null;
    },
    /has ended at no time/,
  ],
  [
    'every job has ended, in one way',
    (s) => {
      opOf(s, 7).exec = 1;
    },
    /did not begin before it ended/,
  ],
  [
    'a job that has ended stays as it is',
    (s) => {
      at(s.notes, 5).seen = { status: 'error', opresult: [null] };
    },
    /^Job 7 was seen as .*"error"/,
  ],
  [
    'the API tells of jobs what is stored',
    (s) => {
      jobOf(s, 7).shown = null;
    },
    /^Job 7 is stored, but the API does not know it/,
  ],
  [
    'the API tells of jobs what is stored',
    (s) => {
      (jobOf(s, 7).shown ?? assert.fail()).opstatus = ['error'];
    },
    /^Job 7 is shown as success \(error\)/,
  ],
  [
    'cancelled jobs are those for which that was asked',
    (s) => s.cancels.pop(),
    /^Job 6 is cancelled; nobody wanted that/,
  ],
  [
    'cancelled jobs are those for which that was asked',
    (s) => s.cancels.push({ job: 7, isCanceled: true }),
    /^Job 7 was told to be cancelled; it is success/,
  ],
  ['jobs that have ended hold nothing', (s) => s.steps.push(7), /^Job 7 still has steps/],
  ['jobs that have ended hold nothing', (s) => s.secrets.push(7), /^Job 7 still has secrets/],
  [
    'jobs that have ended hold nothing',
    (s) => {
      opOf(s, 7).locks = '[]';
    },
    /^Job 7 still has locks/,
  ],
  [
    'jobs that have ended hold nothing',
    (s) => {
      opOf(s, 7).undo = '{}';
    },
    /^Job 7 still undoes/,
  ],
  [
    'jobs that have ended hold nothing',
    (s) => s.shown.locks.push({ name: 'node/node1', owner: ['job/7'], pending: [] }),
    /^Lock node\/node1 is held/,
  ],
  [
    'names, uuids and MAC addresses are unique',
    (s) => {
      db(s).name = web(s).name;
    },
    /^Two instances are named web\.example\.com/,
  ],
  [
    'names, uuids and MAC addresses are unique',
    (s) => {
      mirrored(s).uuid = 'u-db';
    },
    /^Two objects have the uuid u-db/,
  ],
  [
    'names, uuids and MAC addresses are unique',
    (s) => db(s).nics.push({ ...at(web(s).nics, 0), uuid: 'u-nic2' }),
    /^Two NICs have the MAC address/,
  ],
  [
    'what objects say of each other is true',
    (s) => {
      web(s).primary_node = 'u-gone';
    },
    /is on no node/,
  ],
  [
    'what objects say of each other is true',
    (s) => {
      mirrored(s).instance = 'u-web';
    },
    /^Disk u-disk2 is of u-web, which does not have it/,
  ],
  [
    'what objects say of each other is true',
    (s) => {
      at(web(s).nics, 0).network = 'u-gone';
    },
    /is in no network/,
  ],
  [
    'what objects say of each other is true',
    (s) => {
      at(s.objects.nodes, 0).group = 'u-gone';
    },
    /^Node node1 is in no group/,
  ],
  [
    'what objects say of each other is true',
    (s) => {
      at(s.objects.groups, 0).networks['u-gone'] = {};
    },
    /^Group default has the network u-gone/,
  ],
  [
    'mirrored disks are on two nodes, with ports and numbers of their own',
    (s) => {
      mirrored(s).logical_id[1] = 'u-node1';
    },
    /^Mirror u-disk2 is not on the node/,
  ],
  [
    'mirrored disks are on two nodes, with ports and numbers of their own',
    (s) => s.objects.disks.push({ ...mirrored(s), uuid: 'u-disk3' }),
    /^Two mirrors have the port 11000/,
  ],
  [
    'addresses are unique, in their network, and counted by its pool',
    (s) => db(s).nics.push({ ...at(web(s).nics, 0) }),
    /^Two NICs in net1 have 10\.7\.1\.2/,
  ],
  [
    'addresses are unique, in their network, and counted by its pool',
    (s) => {
      at(web(s).nics, 0).ip = '10.7.2.2';
    },
    /^10\.7\.2\.2 of web\.example\.com is not in net1/,
  ],
  [
    'addresses are unique, in their network, and counted by its pool',
    (s) => {
      at(s.shown.networks, 0).free_count = 2;
    },
    /^net1: 3 of 4 addresses are taken; told is 2,3/,
  ],
  [
    'the API tells of instances what is stored',
    (s) => {
      at(s.shown.instances, 0).pnode = 'node2';
    },
    /^web\.example\.com is stored as/,
  ],
  [
    'the instances are what the jobs have made of them',
    (s) => s.objects.instances.splice(0, 1),
    /^web\.example\.com, made by job 2, is gone/,
  ],
  [
    'the instances are what the jobs have made of them',
    (s) => {
      opOf(s, 3).status = 'error';
    },
    /^db\.example\.com should not be there/,
  ],
  [
    'the instances are what the jobs have made of them',
    (s) => {
      web(s).admin_state = 'down';
    },
    /the state should be "up", not "down"/,
  ],
  [
    'the instances are what the jobs have made of them',
    (s) => {
      at(s.objects.disks, 0).size = 22;
    },
    /the sizes of disks should be \[16\], not \[22\]/,
  ],
  [
    'the instances are what the jobs have made of them',
    (s) => {
      web(s).tags = [];
    },
    /the tags should be \["blue"\], not \[\]/,
  ],
  [
    'the instances are what the jobs have made of them',
    (s) => {
      web(s).primary_node = 'u-node2';
    },
    /the node should be "node1", not "node2"/,
  ],
  [
    'the instances are what the jobs have made of them',
    (s) => web(s).nics.pop(),
    /the number of NICs should be 1, not 0/,
  ],
  [
    'the instances are what the jobs have made of them',
    (s) => {
      web(s).beparams = {};
    },
    /the number of virtual CPUs should be 2, not undefined/,
  ],
  [
    'groups, networks and tags are what the jobs have made of them',
    (s) => at(s.objects.networks, 0).reservations.pop(),
    /^10\.7\.1\.3 of net1 is not reserved/,
  ],
  [
    'groups, networks and tags are what the jobs have made of them',
    (s) => {
      at(s.objects.nodes, 1).drained = true;
    },
    /^node2 is drained/,
  ],
  [
    'groups, networks and tags are what the jobs have made of them',
    (s) => s.objects.groups.push({ uuid: 'u-g', name: 'group1', networks: {} }),
    /^There is a group group1/,
  ],
  [
    'groups, networks and tags are what the jobs have made of them',
    (s) => s.objects.networks.pop(),
    /^The network net1 is gone/,
  ],
  [
    'groups, networks and tags are what the jobs have made of them',
    (s) => s.objects.cluster.tags.push('red'),
    /^There is a tag of the cluster red/,
  ],
  [
    'exports are where the jobs have put them',
    (s) => {
      node(s, 'node2').exports = {};
    },
    /^The export of web\.example\.com is not on node2/,
  ],
  [
    'exports are where the jobs have put them',
    (s) => {
      node(s, 'node1').exports = { 'db.example.com': ['config.ini'] };
    },
    /^An export of db\.example\.com is on node1/,
  ],
  [
    'guests run where and only where the cluster says',
    (s) => node(s, 'node1').guests.splice(0, 1),
    /^web\.example\.com on node1 is meant to be up; it is not there/,
  ],
  [
    'guests run where and only where the cluster says',
    (s) => node(s, 'node2').guests.push(at(node(s, 'node1').guests, 0)),
    /^A guest web\.example\.com is on node2 \(running\)/,
  ],
  [
    'guests run where and only where the cluster says',
    (s) => at(node(s, 'node1').guests, 0).devices.push('u-nic1'),
    /has the device u-nic1 twice/,
  ],
  [
    'the API tells what runs',
    (s) => {
      at(s.shown.instances, 0).status = 'ADMIN_down';
    },
    /^web\.example\.com is told as ADMIN_down/,
  ],
  [
    'the data of every disk is there, as big as it should be',
    (s) => node(s, 'node1').files.pop(),
    /^Disk u-disk1 \(file\) of web\.example\.com has no data/,
  ],
  [
    'the data of every disk is there, as big as it should be',
    (s) => {
      at(node(s, 'node1').files, 0).size = 10;
    },
    /has 10 MiB, not 16/,
  ],
  [
    'no data of disks that are not there',
    (s) => node(s, 'node2').files.push(file('old.example.com/x.file.disk0', 1)),
    /^The file old\.example\.com\/x\.file\.disk0 on node2 is of no disk/,
  ],
  [
    'no data of disks that are not there',
    (s) => node(s, 'node2').files.push(file('old.example.com', -1)),
    /^The empty folder old\.example\.com on node2/,
  ],
  [
    'no data of disks that are not there',
    (s) => node(s, 'node1').volumes.push(file('xenvg/x.disk0', 1)),
    /^The volume xenvg\/x\.disk0 on node1/,
  ],
  [
    'no data of disks that are not there',
    (s) => s.shared.push(file('old.example.com/x', 1)),
    /^The shared file old\.example\.com\/x is of no disk/,
  ],
  [
    'mirrors have two sides, on their nodes, and are active where they should be',
    (s) => {
      s.mirrors['u-old'] = { data: 1, time: 1000, sides: {} };
    },
    /^The mirror u-old is of no disk/,
  ],
  [
    'mirrors have two sides, on their nodes, and are active where they should be',
    (s) => {
      delete s.mirrors['u-disk2']?.sides.node2;
    },
    /has sides on node1, not node1, node2/,
  ],
  [
    'mirrors have two sides, on their nodes, and are active where they should be',
    (s) => {
      (s.mirrors['u-disk2']?.sides.node2 ?? assert.fail()).primary = true;
    },
    /on node2 is active, primary/,
  ],
  [
    'mirrors have two sides, on their nodes, and are active where they should be',
    (s) => {
      (s.mirrors['u-disk2'] ?? assert.fail()).data = 4;
    },
    /has not 20 MiB everywhere/,
  ],
  [
    'nothing unfinished is left on nodes',
    (s) => node(s, 'node2').hidden.push('.web.example.com.new'),
    /^An unfinished export \.web\.example\.com\.new is on node2/,
  ],
  [
    'nothing unfinished is left on nodes',
    (s) => node(s, 'node2').scripts.push('u-web.1234'),
    /^The record of a script u-web\.1234/,
  ],
  [
    'nothing unfinished is left on nodes',
    (s) => node(s, 'node2').debris.push('guests/x.tmp'),
    /^guests\/x\.tmp on node2 is what an interrupted write left/,
  ],
  [
    'nothing unfinished is left on nodes',
    (s) => s.debris.push('drbd/x.tmp'),
    /^drbd\/x\.tmp is what an interrupted write left/,
  ],
  [
    'nothing unfinished is left on nodes',
    (s) => node(s, 'node2').exports['web.example.com']?.shift(),
    /has no config\.ini/,
  ],
  [
    'nothing is left to be done, once all nodes are back',
    (s) => s.duties.push('disk.remove of disk u-disk9 on node2 (job 4): it is busy'),
    /^There is a duty: disk\.remove of disk u-disk9 on node2/,
  ],
  [
    'no program ends by itself, and another life changes nothing',
    (s) => s.ownEnds.push({ name: 'master', stderr: 'oh' }),
    /^master ended by itself: oh/,
  ],
  [
    'no program ends by itself, and another life changes nothing',
    (s) => s.differences.push('jobs/7/status'),
    /^After another life: jobs\/7\/status/,
  ],
];
