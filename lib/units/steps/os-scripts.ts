import type { Seal } from '../../base/seal.ts';
import type { ParamValues } from '../../model/enforce.ts';
import type { Instance } from '../../model/instance.ts';
import type { ClusterView } from '../../model/view.ts';
import type { ScriptParams } from '../../rpc/calls/os.ts';
import type { InstanceTarget } from '../../rpc/types.ts';
import { hiddenOsParamTexts, openPrivate, osParamTexts } from '../checks/os.ts';

/** What is settled of the scripts of an instance's OS before they run; it may be stored. */
export interface ScriptFacts {
  /** Public OS parameters, all levels filled in. */
  osparams: Record<string, string>;
  /** Private ones, as they are stored. */
  sealed: { cluster: string | null; instance: string | null };
  search_path: string[];
}

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

/** What the scripts need, secrets included: never to be stored. `own` are hidden parameters of the request itself. */
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
