import { kinds, maybe, optional } from '../../model/params.ts';
import { diskParamsKind } from '../kinds.ts';

/** What a node group can set for itself. */
export const groupParams = {
  ndparams: optional(maybe(kinds.dict), null, 'Node parameters for its nodes.'),
  diskparams: optional(maybe(diskParamsKind), null, 'Disk parameters by disk template.'),
  hv_state: optional(maybe(kinds.dict), null, 'What the hypervisors of its nodes may use.'),
  disk_state: optional(maybe(kinds.dict), null, 'What disk space of its nodes may be used.'),
  ipolicy: optional(maybe(kinds.dict), null, 'What of the instance policy differs from that of the cluster.'),
};
