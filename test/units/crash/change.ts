import { instance_name, removal, running, type Scenario, startup, stopped } from './define.ts';

const other = 'mail.example.com';
const attach = {
  ...{ OP_ID: 'OP_INSTANCE_SET_PARAMS', instance_name, hotplug: true },
  disks: [['attach', -1, { name: 'data' }]],
};

/** Opcodes that change an instance itself. */
export const changeScenarios: Scenario[] = [
  {
    name: 'change parameters and NICs of an instance',
    setup: running,
    op: {
      OP_ID: 'OP_INSTANCE_SET_PARAMS',
      instance_name,
      beparams: { vcpus: 2 },
      runtime_mem: 128,
      nics: [
        ['modify', 0, { ip: '192.0.2.9' }],
        ['add', -1, { mac: 'aa:00:00:00:77:01' }],
      ],
      disks: [['add', { size: 4 }]],
      hotplug: true,
    },
    cleanup: [removal],
  },
  {
    name: 'take a disk from an instance',
    setup: running,
    op: { OP_ID: 'OP_INSTANCE_SET_PARAMS', instance_name, disks: [['remove', 1, {}]] },
    cleanup: [removal],
    tolerates: ['disk.remove'],
  },
  {
    name: 'attach a disk of another instance',
    setup: [
      { ...stopped, instance_name: other, disks: [{ size: 2 }, { size: 3, name: 'data' }] },
      { OP_ID: 'OP_INSTANCE_SET_PARAMS', instance_name: other, disks: [['detach', 'data', {}]] },
      { ...stopped, disks: [{ size: 1 }] },
      startup,
    ],
    op: attach,
    cleanup: [attach, removal, { ...removal, instance_name: other }],
  },
  {
    name: 'rename an instance',
    setup: [stopped],
    op: { OP_ID: 'OP_INSTANCE_RENAME', instance_name, new_name: 'mail.example.com' },
    cleanup: [{ ...removal, instance_name: 'mail.example.com' }, removal],
    tolerates: ['instance.forget', 'os.rename'],
  },
  {
    name: 'reinstall an instance',
    setup: [stopped],
    op: { OP_ID: 'OP_INSTANCE_REINSTALL', instance_name },
    cleanup: [removal],
    irreversible: true,
  },
];
