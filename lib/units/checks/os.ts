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

/** The nodes whose OS definitions count: those that may hold instances and are not offline. */
function osNodes(view: ClusterView): Node[] {
  return view.nodes.list().filter((node) => node.vm_capable && !node.offline);
}

/** Asks all nodes for their OS definitions; a node that does not answer has none. */
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
  // The first definition found in the search path is the one that counts on a node.
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

/** The first version of the OS interface in which an OS says which parameters it has. */
const TYPED_PARAMETERS = 20;

/**
 * Checks that a node can install an OS, as its verification does. The parameters of an OS of an interface before 20, which names
 * none, are taken as they are. @throws MerapiError execution when the node has no such OS or a broken one, or when the variant or a
 * parameter is not one of the definition
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
  if (Math.max(...definition.api_versions) < TYPED_PARAMETERS) return;
  const known = definition.parameters.map(([parameter]) => parameter);
  const strange = Object.keys(options.params).filter((parameter) => !known.includes(parameter));
  if (strange.length > 0)
    throw new MerapiError(
      'execution',
      `OS '${name}' has no parameter ${strange.join(', ')}; it has ${known.join(', ') || 'none'}`,
    );
}

/** OS parameters as scripts get them: every value a text, all levels filled in. */
export function osParamTexts(view: ClusterView, os: string, own: ParamValues): Record<string, string> {
  return scriptTexts(fillOsParams(view.cluster, os, own));
}

/**
 * Private and secret OS parameters as scripts get them: those of the cluster for the OS, then for its variant, then the
 * instance's own. `sealed` is the cluster's, as it is stored.
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

/** Private OS parameters by OS, from the sealed text in which they are stored. */
export function openOsParams(seal: Seal, sealed: string | null): Record<string, ParamValues> {
  return sealed === null ? {} : (parseJson(seal.open(sealed)) as Record<string, ParamValues>);
}

/** Private OS parameters of an instance, from the sealed text in which they are stored. */
export function openPrivate(seal: Seal, sealed: string | null): ParamValues {
  return sealed === null ? {} : (parseJson(seal.open(sealed)) as ParamValues);
}

/** Private OS parameters of an instance as they are stored; null when there are none. */
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
