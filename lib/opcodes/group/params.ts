import { kinds, maybe, optional } from '../../model/params.ts';
import { diskParamsKind } from '../kinds.ts';

/** The parameters that a node group can override. */
export const groupParams = {
  ndparams: optional(maybe(kinds.dict), null, 'Node parameters for its nodes.'),
  diskparams: optional(maybe(diskParamsKind), null, 'Disk parameters by disk template.'),
  hv_state: optional(maybe(kinds.dict), null, 'What the hypervisors of its nodes may use.'),
  disk_state: optional(maybe(kinds.dict), null, 'What disk space of its nodes may be used.'),
  ipolicy: optional(
    maybe(kinds.dict),
    null,
    "The parts of the instance policy that differ from the cluster's.",
  ),
};
