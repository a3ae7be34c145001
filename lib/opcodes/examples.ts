// Valid values for error messages ("e.g. …"). An example that the schema does not accept is never shown.
import type * as z from 'zod';
import type { Param } from '../model/params.ts';

/** Valid values by the name of the parameter; an opcode's own example has precedence. */
const named: Readonly<Record<string, unknown>> = {
  add_reserved_ips: ['192.0.2.9'],
  beparams: { maxmem: 512, minmem: 512 },
  comment: 'before the maintenance',
  compress: 'none',
  depends: [[-1, ['success']]],
  file_storage_dir: 'web',
  gateway: '192.0.2.1',
  gateway6: '2001:db8::1',
  group_name: 'default',
  hvparams: { boot_order: 'disk' },
  iallocator: 'hail',
  instance_name: 'web1.example.com',
  instances: ['web1.example.com'],
  ipolicy: { 'vcpu-ratio': 4 },
  mac_prefix: 'aa:00:00',
  ndparams: { ovs: false },
  network6: '2001:db8::/64',
  new_primary_ip: '198.51.100.7',
  node_name: 'node1.example.com',
  node_names: ['node1.example.com'],
  nodes: ['node1.example.com'],
  os_type: 'debian',
  osparams: { language: 'en' },
  osparams_private: { password: 'SECRET' },
  osparams_secret: { password: 'SECRET' },
  primary_ip: '198.51.100.7',
  reason: [['gnt:user', 'maintenance', 1700000000000000000n]],
  remove_reserved_ips: ['192.0.2.9'],
  secondary_ip: '198.51.100.7',
  tags: ['web', 'customer:42'],
  target_groups: ['default'],
  target_node: 'node2.example.com',
  remote_node: 'node2.example.com',
  pnode: 'node1.example.com',
  snode: 'node2.example.com',
  src_node: 'node1.example.com',
  src_path: '/srv/exports/web1.example.com',
};

/** A valid value of a parameter: the opcode's own example (`own`), or one for its name, its kind or its schema; undefined if there is none. */
export function exampleFor(name: string, param: Param, own: unknown): unknown {
  const candidates = [own, named[name], param.example, madeFor(param.schema)];
  return candidates.find(
    (value) => value !== undefined && value !== null && param.schema.safeParse(value).success,
  );
}

/** Makes a value that a schema probably accepts; undefined for schemas that it does not know. The caller checks it. */
function madeFor(schema: z.core.$ZodType): unknown {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'string':
      return 'name';
    case 'number':
      return Math.max((schema as z.ZodNumber).minValue ?? 1, 1);
    case 'boolean':
      return true;
    case 'array':
      return [madeFor(def.element)].filter((item) => item !== undefined);
    case 'tuple':
      return def.items.map(madeFor);
    case 'record': {
      const [key = 'name'] =
        def.keyType._zod.def.type === 'enum' ? Object.keys((def.keyType as z.ZodEnum).enum) : ['name'];
      return { [key]: madeFor(def.valueType) ?? 'value' };
    }
    case 'enum':
      return Object.values(def.entries)[0];
    case 'literal':
      return def.values[0];
    case 'nullable':
    case 'optional':
      return madeFor(def.innerType);
    case 'union':
      return def.options.map(madeFor).find((value) => value !== undefined);
    case 'unknown':
      return 'value';
    default:
      return undefined;
  }
}
