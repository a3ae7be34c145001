// What the opcodes about tags share; also used for changes of tags that are not made by a job (lib/manager/metadata.ts).

import { MerapiError } from '../../base/errors.ts';
import { groupNamed, instanceNamed, networkNamed, nodeNamed } from '../../model/find.ts';
import { changed } from '../../model/object.ts';
import { checkTag, MAX_TAGS_LENGTH, MAX_TAGS_PER_OBJECT, type TagKind } from '../../model/tag.ts';
import type { ClusterView } from '../../model/view.ts';
import { type Change, put } from '../../store/changes.ts';

/** An object with tags, by kind and uuid. */
export interface Tagged {
  kind: TagKind;
  uuid: string;
}

/** Finds the object that a request about tags names; `name` is not used for the cluster. @throws MerapiError not_found, wrong_input */
export function findTagged(
  view: ClusterView,
  kind: TagKind,
  name: string | null,
): Tagged & { tags: readonly string[]; serial_no: number } {
  if (kind === 'cluster') return { kind, ...pick(view.cluster) };
  if (name === null) throw new MerapiError('wrong_input', `The name of the ${kind} is missing`);
  switch (kind) {
    case 'instance':
      return { kind, ...pick(instanceNamed(view, name)) };
    case 'node':
      return { kind, ...pick(nodeNamed(view, name)) };
    case 'nodegroup':
      return { kind, ...pick(groupNamed(view, name)) };
    case 'network':
      return { kind, ...pick(networkNamed(view, name)) };
  }
}

type Picked = { uuid: string; tags: readonly string[]; serial_no: number };
const pick = ({ uuid, tags, serial_no }: Picked): Picked => ({ uuid, tags, serial_no });

/** Checks tags, each by itself and all together; returns each once. @throws MerapiError invalid_tag */
export function checkTags(tags: readonly string[]): string[] {
  for (const tag of tags) checkTag(tag);
  const set = new Set(tags);
  checkTotal(set);
  return [...set];
}

/** The number of tags and their total length are limited, since scripts get all tags of an object in one variable. */
function checkTotal(tags: ReadonlySet<string>): void {
  if (tags.size > MAX_TAGS_PER_OBJECT)
    throw new MerapiError(
      'invalid_tag',
      `An object has at most ${MAX_TAGS_PER_OBJECT} tags, not ${tags.size}`,
    );
  const length = [...tags].join(' ').length;
  if (length > MAX_TAGS_LENGTH)
    throw new MerapiError(
      'invalid_tag',
      `All tags of an object together have at most ${MAX_TAGS_LENGTH} characters, not ${length}: hooks and scripts get them in one variable`,
    );
}

/**
 * The change of an object's tags: `edit` changes the set of those that it has when the change is built. No change when the object is
 * gone. @throws MerapiError invalid_tag when tags are added and there are too many
 */
export function retag(
  view: ClusterView,
  { kind, uuid }: Tagged,
  edit: (tags: Set<string>) => void,
  now: number,
): Change[] {
  const next = (tags: readonly string[]) => {
    const set = new Set(tags);
    edit(set);
    if (set.size > tags.length) checkTotal(set);
    return { tags: [...set].sort() };
  };
  switch (kind) {
    case 'cluster':
      return [put('cluster', changed(view.cluster, next(view.cluster.tags), now))];
    case 'instance': {
      const instance = view.instances.get(uuid);
      return instance ? [put('instance', changed(instance, next(instance.tags), now))] : [];
    }
    case 'node': {
      const node = view.nodes.get(uuid);
      return node ? [put('node', changed(node, next(node.tags), now))] : [];
    }
    case 'nodegroup': {
      const group = view.groups.get(uuid);
      return group ? [put('nodegroup', changed(group, next(group.tags), now))] : [];
    }
    case 'network': {
      const network = view.networks.get(uuid);
      return network ? [put('network', changed(network, next(network.tags), now))] : [];
    }
  }
}
