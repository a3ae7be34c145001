import { MerapiError } from '../base/errors.ts';
import { hostNamed } from '../model/lookup.ts';
import type { TagKind } from '../model/tag.ts';
import type { ClusterView } from '../model/view.ts';

/** An object that has tags. */
interface Tagged {
  readonly name: string;
  readonly tags: string[];
}

/** The object with a name; undefined when there is none. */
function find(view: ClusterView, kind: TagKind, name: string): Tagged | undefined {
  switch (kind) {
    case 'cluster':
      return view.cluster;
    case 'node':
      return hostNamed(view.nodes, name);
    case 'instance':
      return hostNamed(view.instances, name);
    case 'nodegroup':
      return view.groups.named(name);
    case 'network':
      return view.networks.named(name);
  }
}

/** The tags of an object; `name` is ignored for the cluster. Host names may be abbreviated. @throws MerapiError not_found */
export function tagsOf(view: ClusterView, kind: TagKind, name: string | null): string[] {
  const object = find(view, kind, name ?? '');
  if (!object) throw new MerapiError('not_found', `There is no ${kind} '${name ?? ''}'`);
  return object.tags;
}
