// What the scripts of an OS definition (create, rename, export, import) get. The facts of a unit are stored, so they contain private
// OS parameters only sealed; they are opened when the call is made. Secret OS parameters come from the request alone.

import type { Seal } from '../../base/seal.ts';
import type { ParamValues } from '../../model/enforce.ts';
import type { Instance } from '../../model/instance.ts';
import type { ClusterView } from '../../model/view.ts';
import type { ScriptParams } from '../../rpc/calls/os.ts';
import type { InstanceTarget } from '../../rpc/types.ts';
import { hiddenOsParamTexts, openPrivate, osParamTexts } from '../checks/os.ts';

/** What the check of a unit determines for the OS scripts of an instance; it may be stored. */
export interface ScriptFacts {
  /** Public OS parameters, with those inherited from the cluster. */
  osparams: Record<string, string>;
  /** Private OS parameters of the cluster and of the instance, sealed as they are stored. */
  sealed: { cluster: string | null; instance: string | null };
  /** The folders in which nodes look for OS definitions. */
  search_path: string[];
}

/** The facts for the OS scripts of an instance. */
export function scriptFacts(
  view: ClusterView,
  { os, osparams, osparams_private }: Pick<Instance, 'os' | 'osparams' | 'osparams_private'>,
): ScriptFacts {
  const { os_search_path, osparams_private: cluster } = view.cluster;
  return {
    osparams: osParamTexts(view, os, osparams),
    sealed: { cluster, instance: osparams_private },
    search_path: os_search_path,
  };
}

/**
 * The parameters of a call that runs an OS script, private and secret OS parameters included: never store them. `own` are the hidden
 * OS parameters of the request itself.
 */
export function scriptParams(
  seal: Seal,
  { osparams, sealed, search_path }: ScriptFacts,
  instance: InstanceTarget,
  request: { debug_level: number | null },
  own: ParamValues = {},
): ScriptParams {
  const hidden = { ...openPrivate(seal, sealed.instance), ...own };
  return {
    instance,
    search_path,
    osparams: { ...osparams, ...hiddenOsParamTexts(seal, sealed.cluster, instance.os, hidden) },
    debug: request.debug_level ?? 0,
  };
}
