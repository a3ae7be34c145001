import type { Cluster } from './cluster.ts';

/** An OS definition as one node reports it. */
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

/** An OS definition as all nodes report it. */
export interface OsStatus {
  name: string;
  /** Valid on every node that was asked, with a common version of the OS interface. */
  valid: boolean;
  /** The reports by node name. A node may have several definitions of the same name; the first one counts. */
  nodes: Record<string, OsOnNode[]>;
  /** The variants, parameters and versions that all nodes have in common. */
  variants: string[];
  parameters: [string, string][];
  api_versions: number[];
  trusted: boolean;
}

type OsValue = (status: OsStatus, cluster: Cluster) => unknown;

/** The fields of an OS definition in queries. */
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

/** A report in Ganeti's form. */
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

/** The names of an OS in requests: one for each variant, `NAME+VARIANT`, or its bare name if it has none. */
export function osNamesOf(status: OsStatus): string[] {
  return status.variants.length === 0
    ? [status.name]
    : status.variants.map((variant) => `${status.name}+${variant}`);
}
