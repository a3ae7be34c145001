// Reads of the cluster and its objects. Each call uses one immutable state of the cluster, restricted to what the principal may see, so
// its result is consistent even if commits happen while rows are read.
import type { Rights } from '../access/rights.ts';
import { MerapiError } from '../base/errors.ts';
import { shared } from '../base/shared.ts';
import type { Action, NamedKind } from '../model/access.ts';
import { type NamedObject, objectFound, tableOf } from '../model/lookup.ts';
import { nodeRole } from '../model/node.ts';
import { osNamesOf } from '../model/os.ts';
import type { ClusterView } from '../model/view.ts';
import { ResultStatus } from '../query/define.ts';
import { accessTo, describeFields, resourceName } from '../query/resources.ts';
import { diagnoseOs } from '../units/checks/os.ts';
import { shownCluster } from '../views/cluster.ts';
import type { JobSource, NodeSource, ReadContext } from '../views/define.ts';
import { listExports } from '../views/export.ts';
import { listing } from '../views/listing.ts';
import { openQuery, runQuery } from '../views/registry.ts';
import { tagsOf } from '../views/tags.ts';
import type { Manager } from './define.ts';
import type { ManagerContext } from './parts.ts';
import { seenJobs, seenOnNodes } from './sources.ts';

type ObjectFunctions = Pick<
  Manager,
  | 'query'
  | 'queryRows'
  | 'queryFields'
  | 'listing'
  | 'describe'
  | 'find'
  | 'names'
  | 'nodeRole'
  | 'cluster'
  | 'tags'
  | 'osNames'
>;

/** The functions that read the cluster and its objects. */
export function objectFunctions({ queue, runtime, nodes, rightsOf }: ManagerContext): ObjectFunctions {
  // Anonymous users may request these, and each request calls all nodes: requests at the same time share one round of calls.
  const diagnose = shared((view: ClusterView) => diagnoseOs(view, nodes));
  const exportsOf = shared((view: ClusterView) => listExports(view, nodes));
  const onNodes = (view: ClusterView): NodeSource => ({
    operatingSystems: () => diagnose(view),
    exports: () => exportsOf(view),
  });
  /**
   * What a query of a resource reads: one state of the cluster, restricted to the objects to which the principal may do this.
   * @throws MerapiError forbidden when there are none
   */
  const sources = (
    rights: Rights,
    action: Action,
    resource: string,
  ): [ReadContext, JobSource, NodeSource] => {
    rights.demandSome(action, `these fields of the resource ${resource}`);
    if (resource === 'cluster') rights.demand(action, { kind: resource, id: null });
    const { whole } = rights;
    return [
      { view: rights.seen(action), whole, runtime: runtime.frozen() },
      seenJobs(queue, rights, action),
      seenOnNodes(onNodes(whole), rights, action),
    ];
  };
  return {
    async query(principal, resource, fields, filter) {
      return runQuery(resource, fields, filter, ...sources(rightsOf(principal), 'read', resource));
    },

    async queryRows(principal, resource, fields, filter) {
      return openQuery(resource, fields, filter, ...sources(rightsOf(principal), 'read', resource));
    },

    queryFields(principal, resource, names) {
      rightsOf(principal).demandSome('look', `the fields of the resource ${resource}`);
      return describeFields(resourceName(resource), names);
    },

    listing(principal, resource, fields) {
      const action = accessTo(resourceName(resource), fields);
      return listing(resource, fields, ...sources(rightsOf(principal), action, resource));
    },

    async describe(principal, resource, fields, uuid) {
      const action = accessTo(resourceName(resource), fields);
      const from = sources(rightsOf(principal), action, resource);
      const { data } = await runQuery(resource, fields, ['=', 'uuid', uuid], ...from);
      const [cells] = data;
      if (!cells) throw noObject(resource, uuid);
      return Object.fromEntries(
        fields.map((field, index) => {
          const cell = cells[index];
          return [field, cell?.[0] === ResultStatus.NORMAL ? cell[1] : null];
        }),
      );
    },

    find(principal, kind, text) {
      const rights = rightsOf(principal);
      rights.demandSome('look', `${kind}s`);
      return requireObject(rights.seen('look'), kind, text);
    },

    names(principal, kind) {
      const rights = rightsOf(principal);
      rights.demandSome('look', `${kind}s`);
      return tableOf(rights.seen('look'), kind).list();
    },

    nodeRole(principal, text) {
      const rights = rightsOf(principal);
      rights.demandSome('look', 'nodes');
      const view = rights.seen('look');
      const { uuid } = requireObject(view, 'node', text);
      const node = view.nodes.get(uuid);
      if (!node) throw noObject('node', text);
      return nodeRole(node, view.cluster.master_node);
    },

    cluster(principal) {
      const rights = rightsOf(principal);
      rights.demand('look', { kind: 'cluster', id: null });
      return shownCluster(rights.seen('look'));
    },

    tags(principal, kind, name) {
      const rights = rightsOf(principal);
      if (kind === 'cluster') rights.demand('look', { kind, id: null });
      else rights.demandSome('look', 'tags');
      return tagsOf(rights.seen('look'), kind, name);
    },

    async osNames(principal) {
      const rights = rightsOf(principal);
      rights.demandSome('look', 'OS definitions');
      const { hidden_os, blacklisted_os } = rights.whole.cluster;
      const all = await seenOnNodes(onNodes(rights.whole), rights, 'look').operatingSystems();
      const isListed = (name: string) => !hidden_os.includes(name) && !blacklisted_os.includes(name);
      return all.filter(({ name, valid }) => valid && isListed(name)).flatMap(osNamesOf);
    },
  };
}

/** The object with this name or uuid. @throws MerapiError not_found */
function requireObject(view: ClusterView, kind: NamedKind, text: string): NamedObject {
  const object = objectFound(view, kind, text);
  if (!object) throw noObject(kind, text);
  return object;
}

/** The same error whether the object does not exist or the principal may not see it. */
function noObject(kind: string, text: string): MerapiError {
  return new MerapiError('not_found', `There is no ${kind} '${text}'`);
}
