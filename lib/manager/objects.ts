import type { Rights } from '../access/rights.ts';
import { MerapiError } from '../base/errors.ts';
import { shared } from '../base/shared.ts';
import type { Action, NamedKind } from '../model/access.ts';
import { type NamedObject, objectFound, tableOf } from '../model/lookup.ts';
import { nodeRole } from '../model/node.ts';
import type { ClusterView } from '../model/view.ts';
import { ResultStatus } from '../query/define.ts';
import { accessTo, describeFields, resourceName } from '../query/resources.ts';
import { listExports } from '../units/steps/exports.ts';
import { diagnoseOs, osNamesOf } from '../units/steps/os.ts';
import { clusterInfo } from '../views/cluster.ts';
import type { JobSource, NodeSource, ReadContext } from '../views/define.ts';
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
  | 'clusterInfo'
  | 'tags'
  | 'osNames'
>;

/** Everything that is read of the cluster and its objects. */
export function objectFunctions({ queue, runtime, nodes, rightsOf }: ManagerContext): ObjectFunctions {
  // Everybody may ask for these, and each asking goes to all nodes.
  const diagnose = shared((view: ClusterView) => diagnoseOs(view, nodes));
  const exportsOf = shared((view: ClusterView) => listExports(view, nodes));
  const onNodes = (view: ClusterView): NodeSource => ({
    operatingSystems: () => diagnose(view),
    exports: () => exportsOf(view),
  });
  /** What a question reads: one state, as far as the principal may do this to what is in it. */
  const sources = (rights: Rights, action: Action): [ReadContext, JobSource, NodeSource] => {
    const { whole } = rights;
    return [
      { view: rights.seen(action), whole, runtime: runtime.frozen() },
      seenJobs(queue, rights, action),
      seenOnNodes(onNodes(whole), rights, action),
    ];
  };
  return {
    async query(principal, resource, fields, filter) {
      const rights = rightsOf(principal);
      rights.demandSome('read', `${resource}s by a query`);
      return runQuery(resource, fields, filter, ...sources(rights, 'read'));
    },

    async queryRows(principal, resource, fields, filter) {
      const rights = rightsOf(principal);
      rights.demandSome('read', `${resource}s by a query`);
      return openQuery(resource, fields, filter, ...sources(rights, 'read'));
    },

    queryFields(principal, resource, names) {
      rightsOf(principal).demandSome('look', `the fields of ${resource}s`);
      return describeFields(resourceName(resource), names);
    },

    listing(principal, resource, fields) {
      const rights = rightsOf(principal);
      const action = accessTo(resourceName(resource), fields);
      rights.demandSome(action, `${resource}s with these fields`);
      return listing(resource, fields, ...sources(rights, action));
    },

    async describe(principal, resource, fields, uuid) {
      const rights = rightsOf(principal);
      const action = accessTo(resourceName(resource), fields);
      rights.demandSome(action, `a ${resource} with these fields`);
      const { data } = await runQuery(resource, fields, ['=', 'uuid', uuid], ...sources(rights, action));
      const [cells] = data;
      if (!cells) throw noObject(resource, uuid);
      return Object.fromEntries(
        fields.map((field, place) => {
          const cell = cells[place];
          return [field, cell?.[0] === ResultStatus.NORMAL ? cell[1] : null];
        }),
      );
    },

    find(principal, kind, text) {
      const rights = rightsOf(principal);
      rights.demandSome('look', `${kind}s`);
      return found(rights.seen('look'), kind, text);
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
      const { uuid } = found(view, 'node', text);
      const node = view.nodes.get(uuid);
      if (!node) throw noObject('node', text);
      return nodeRole(node, view.cluster.master_node);
    },

    clusterInfo(principal) {
      const rights = rightsOf(principal);
      rights.demand('look', { kind: 'cluster', id: null });
      return clusterInfo(rights.seen('look'));
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
      const shown = all.filter(
        ({ name, valid }) => valid && !hidden_os.includes(name) && !blacklisted_os.includes(name),
      );
      return shown.flatMap(osNamesOf);
    },
  };
}

/** @throws MerapiError not_found */
function found(view: ClusterView, kind: NamedKind, text: string): NamedObject {
  const object = objectFound(view, kind, text);
  if (!object) throw noObject(kind, text);
  return object;
}

function noObject(kind: string, text: string): MerapiError {
  return new MerapiError('not_found', `There is no ${kind} '${text}'`);
}
