import type { ParamKinds, ParamValues } from './enforce.ts';

/** Kinds of the node parameters. */
export const ndParamKinds: ParamKinds = {
  oob_program: 'string',
  spindle_count: 'int',
  exclusive_storage: 'bool',
  ovs: 'bool',
  ovs_name: 'maybe-string',
  ovs_link: 'maybe-string',
  ssh_port: 'int',
  cpu_speed: 'float',
};

/** Ganeti's defaults, in its order. */
export const ndParamDefaults: ParamValues = {
  oob_program: '',
  spindle_count: 1,
  exclusive_storage: false,
  ovs: false,
  ovs_name: 'switch1',
  ovs_link: '',
  ssh_port: 22,
  cpu_speed: 1,
};

/** Node parameters that only the cluster or a group can set, since all nodes of a group must have the same value. */
export const clusterOnlyNdParams: readonly string[] = ['exclusive_storage'];
