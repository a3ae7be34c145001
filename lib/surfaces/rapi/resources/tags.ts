import * as z from 'zod';
import { MerapiError } from '../../../base/errors.ts';
import type { TagKind } from '../../../model/tag.ts';
import type { OpcodeId } from '../../../opcodes/registry.ts';
import { type Call, item, type Method, type Resource } from '../resource.ts';
import { commonArguments } from '../submission.ts';
import { dryRun, submit } from '../submit.ts';

/** What all methods that read tags have in common. */
const reading = {
  access: 'look',
  opcode: null,
  doc: 'Returns the tags, sorted.',
  answer: z.array(z.string()),
} as const;

/** The kinds of objects whose tags have a path below that of the object. */
type NamedKind = 'instance' | 'network' | 'node' | 'nodegroup';

/** The resource for the tags of one kind of objects. @param name @param path those of the resource of one object */
function tagsOf(kind: NamedKind, name: string, path: string): Resource {
  return {
    name: `${name}_tags`,
    path: `${path}/tags`,
    methods: {
      GET: {
        ...reading,
        handle: (call) => call.manager.tags(call.principal, kind, item(call)),
      },
      PUT: change('OP_TAGS_SET', kind, (call) => ({ name: item(call) })),
      DELETE: change('OP_TAGS_DEL', kind, (call) => ({ name: item(call) })),
    },
  };
}

/** A method that adds or removes tags. @param object the parameter `name` of the opcode, from the request */
function change(opcode: OpcodeId, kind: TagKind, object: (call: Call) => { name?: string }): Method {
  return {
    access: 'write',
    opcode,
    args: { tag: { kind: 'texts', doc: 'A tag to add or remove.' }, ...commonArguments },
    body: z.array(z.string()).describe('More tags.'),
    example: { items: kind === 'cluster' ? [] : ['NAME'], args: [['tag', 'web']] },
    handle: (call) => submit(call, opcode, { kind, tags: givenTags(call), ...object(call), ...dryRun(call) }),
  };
}

/** The tags of a request: its arguments `tag`, then the list in its body. @throws MerapiError wrong_input for another body */
function givenTags(call: Call): unknown[] {
  const body = call.body ?? [];
  if (!Array.isArray(body)) throw new MerapiError('wrong_input', 'The body must be a JSON list of tags');
  return [...call.query.all('tag'), ...body];
}

/** The tags of the cluster, the nodes, the node groups, the networks and the instances. */
export const tagResources: readonly Resource[] = [
  {
    name: 'tags',
    path: '/2/tags',
    methods: {
      GET: {
        ...reading,
        handle: (call) => call.manager.tags(call.principal, 'cluster', null),
      },
      PUT: change('OP_TAGS_SET', 'cluster', () => ({})),
      DELETE: change('OP_TAGS_DEL', 'cluster', () => ({})),
    },
  },
  tagsOf('node', 'nodes_name', '/2/nodes/{name}'),
  tagsOf('nodegroup', 'groups_name', '/2/groups/{name}'),
  tagsOf('network', 'networks_name', '/2/networks/{name}'),
  tagsOf('instance', 'instances_name', '/2/instances/{name}'),
];
