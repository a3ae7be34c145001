import type { Cluster } from './cluster.ts';

/** An OS definition as one node sees it. */
interface OsOnNode {
  /** The folder of the definition. */
  path: string;
  valid: boolean;
  /** Why it is not valid; empty when it is. */
  message: string;
  variants: string[];
  /** [name, description] of each. */
  parameters: [string, string][];
  api_versions: number[];
  trusted: boolean;
}

/** An OS definition with what each node says of it, by node name. */
export interface OsStatus {
  name: string;
  /** Valid on every node that was asked, with the same interface version. */
  valid: boolean;
  nodes: Record<string, OsOnNode[]>;
  /** What all nodes offer. */
  variants: string[];
  parameters: [string, string][];
  api_versions: number[];
  trusted: boolean;
}

type OsValue = (status: OsStatus, cluster: Cluster) => unknown;

/** What is told of an OS definition, field by field. */
export const osFieldValues = {
  name: (status) => status.name,
  valid: (status) => status.valid,
  node_status: (status) =>
    Object.fromEntries(
      Object.entries(status.nodes).map(([node, definitions]) => [node, definitions.map(asTuple)]),
    ),
  variants: (status) => status.variants,
  parameters: (status) => status.parameters,
  api_versions: (status) => status.api_versions,
  blacklisted: (status, cluster) => cluster.blacklisted_os.includes(status.name),
  hidden: (status, cluster) => cluster.hidden_os.includes(status.name),
  os_hvp: (status, cluster) => cluster.os_hvp[status.name] ?? {},
  osparams: (status, cluster) => cluster.osparams[status.name] ?? {},
  trusted: (status) => status.trusted,
} as const satisfies Record<string, OsValue>;

/** Ganeti's form of what a node says. */
function asTuple(each: OsOnNode): unknown[] {
  return [
    each.path,
    each.valid,
    each.message,
    each.variants,
    each.parameters,
    each.api_versions,
    each.trusted,
  ];
}

/** The names under which an OS can be given in a request: each of its variants, or its bare name where it has none. */
export function osNamesOf(status: OsStatus): string[] {
  return status.variants.length === 0
    ? [status.name]
    : status.variants.map((variant) => `${status.name}+${variant}`);
}
