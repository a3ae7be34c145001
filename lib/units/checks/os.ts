// OS definitions of the nodes, and the OS parameters of instances.
// Public OS parameters are stored as they are. Private ones are stored sealed (encrypted with the key of the installation): of the
// cluster as one sealed text with a set per OS, of an instance as one sealed text. Secret ones are never stored.

import { MerapiError } from '../../base/errors.ts';
import { parseJson, stringifyJson } from '../../base/json.ts';
import type { Seal } from '../../base/seal.ts';
import type { ParamValues } from '../../model/enforce.ts';
import { fillOsParams } from '../../model/fill.ts';
import type { Node } from '../../model/node.ts';
import type { OsStatus } from '../../model/os.ts';
import type { ClusterView } from '../../model/view.ts';
import type { NodeCaller } from '../../rpc/caller.ts';
import type { OsDefinition } from '../../rpc/calls/os.ts';

/** The nodes whose OS definitions count: those that are vm_capable and not offline. */
function osNodes(view: ClusterView): Node[] {
  return view.nodes.list().filter((node) => node.vm_capable && !node.offline);
}

/** Asks all nodes for their OS definitions; a node that does not answer counts as one without any. Sorted by name. */
export async function diagnoseOs(view: ClusterView, nodes: NodeCaller): Promise<OsStatus[]> {
  const asked = osNodes(view);
  const answers = await nodes.callAll(asked, 'os.list', { search_path: view.cluster.os_search_path });
  const byName = new Map<string, Record<string, OsDefinition[]>>();
  for (const node of asked) {
    const answer = answers.get(node.uuid);
    if (!answer || 'failure' in answer) continue;
    for (const definition of answer.result.definitions) {
      const perNode = byName.get(definition.name) ?? {};
      byName.set(definition.name, perNode);
      perNode[node.name] = [...(perNode[node.name] ?? []), definition];
    }
  }
  const names = [...byName.keys()].sort();
  return names.map((name) => summarise(name, byName.get(name) ?? {}, asked));
}

function summarise(name: string, perNode: Record<string, OsDefinition[]>, asked: readonly Node[]): OsStatus {
  const nodes = Object.fromEntries(asked.map((node) => [node.name, perNode[node.name] ?? []]));
  // On each node the first definition in the search path counts.
  const first = Object.values(nodes).map((definitions) => definitions[0]);
  const present = first.filter((definition) => definition !== undefined);
  const common = <T>(pick: (definition: OsDefinition) => readonly T[]): T[] => {
    const [head, ...rest] = present.map(pick);
    const others = rest.map((items) => new Set(items.map((item) => JSON.stringify(item))));
    return (head ?? []).filter((item) => others.every((other) => other.has(JSON.stringify(item))));
  };
  const valid = present.length === asked.length && present.every((definition) => definition.valid);
  return {
    name,
    valid,
    nodes,
    variants: common((definition) => definition.variants),
    parameters: common((definition) => definition.parameters),
    api_versions: common((definition) => definition.api_versions),
    trusted: present.every((definition) => definition.trusted),
  };
}

/** The first version of the OS interface in which an OS definition lists its parameters. */
const FIRST_WITH_PARAMETERS = 20;

/**
 * Checks that a node has a valid OS definition (`NAME` or `NAME+VARIANT`) with this variant and these parameters. With `forceVariant` the variant
 * is not checked. If the definition has only interface versions before 20, its parameters are unknown and not checked.
 * @throws MerapiError execution when the node has no such OS or a broken one, or the variant or a parameter is not in the definition
 */
export async function checkOs(
  view: ClusterView,
  nodes: NodeCaller,
  node: Node,
  os: string,
  options: { forceVariant: boolean; params: ParamValues },
): Promise<void> {
  const [name, variant] = os.split('+', 2) as [string, string | undefined];
  const { definitions } = await nodes.call(node, 'os.list', { search_path: view.cluster.os_search_path });
  const definition = definitions.find((each) => each.name === name);
  if (!definition) {
    const others = definitions.filter((each) => each.valid).map((each) => each.name);
    throw new MerapiError(
      'execution',
      `Node ${node.name} has no OS definition '${name}'; it has ${others.join(', ') || 'none'}`,
    );
  }
  if (!definition.valid)
    throw new MerapiError(
      'execution',
      `The OS definition '${name}' of node ${node.name} is broken: ${definition.message}`,
    );
  if (definition.variants.length > 0 && !options.forceVariant) {
    const choice = definition.variants.map((each) => `${name}+${each}`).join(', ');
    if (!variant) throw new MerapiError('execution', `OS '${name}' has variants: give one of ${choice}`);
    if (!definition.variants.includes(variant))
      throw new MerapiError('execution', `OS '${name}' has no variant '${variant}'; give one of ${choice}`);
  } else if (variant && definition.variants.length === 0)
    throw new MerapiError('execution', `OS '${name}' has no variants`);
  if (Math.max(...definition.api_versions) < FIRST_WITH_PARAMETERS) return;
  const known = definition.parameters.map(([parameter]) => parameter);
  const unknown = Object.keys(options.params).filter((parameter) => !known.includes(parameter));
  if (unknown.length > 0)
    throw new MerapiError(
      'execution',
      `OS '${name}' has no parameter ${unknown.join(', ')}; it has ${known.join(', ') || 'none'}`,
    );
}

/** Public OS parameters as scripts get them: every value a text, those inherited from the cluster included. */
export function osParamTexts(view: ClusterView, os: string, own: ParamValues): Record<string, string> {
  return scriptTexts(fillOsParams(view.cluster, os, own));
}

/**
 * Private and secret OS parameters as scripts get them: those of the cluster for the OS, overridden by those for its variant,
 * overridden by the instance's own. `sealed` are the cluster's, sealed as they are stored. The result must not be stored.
 */
export function hiddenOsParamTexts(
  seal: Seal,
  sealed: string | null,
  os: string,
  own: ParamValues,
): Record<string, string> {
  const sets = openOsParams(seal, sealed);
  const base = os.split('+', 1)[0] as string;
  return scriptTexts({ ...sets[base], ...(os === base ? {} : sets[os]), ...own });
}

/** Opens the private OS parameters of the cluster, by OS. */
export function openOsParams(seal: Seal, sealed: string | null): Record<string, ParamValues> {
  return sealed === null ? {} : (parseJson(seal.open(sealed)) as Record<string, ParamValues>);
}

/** Opens the private OS parameters of an instance. */
export function openPrivate(seal: Seal, sealed: string | null): ParamValues {
  return sealed === null ? {} : (parseJson(seal.open(sealed)) as ParamValues);
}

/** Seals the private OS parameters of an instance for the store; null when there are none. */
export function sealedParams(seal: Seal, values: ParamValues): string | null {
  return Object.keys(values).length === 0 ? null : seal.close(stringifyJson(values));
}

/** Values as scripts get them: a text as it is, everything else as JSON. */
function scriptTexts(values: ParamValues): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : stringifyJson(value),
    ]),
  );
}
