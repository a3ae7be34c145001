// Made by `npm run docs` from the resources of the API; change those, not this file.
import type { Route } from './route.ts';

/** How each opcode is submitted over the API. */
export const routes = {
  OP_CLUSTER_REDIST_CONF: {"method":"PUT","path":"/2/redistribute-config","items":[],"fixed":{},"args":{},"body":{},"constants":{},"forbidden":[]},
  OP_CLUSTER_SET_PARAMS: {"method":"PUT","path":"/2/modify","items":[],"fixed":{},"args":{},"body":{},"constants":{},"forbidden":["compression_tools"]},
  OP_GROUP_ADD: {"method":"POST","path":"/2/groups","items":[],"fixed":{},"args":{},"body":{"group_name":"name"},"constants":{},"forbidden":[]},
  OP_GROUP_ASSIGN_NODES: {"method":"PUT","path":"/2/groups/{name}/assign-nodes","items":["group_name"],"fixed":{},"args":{"force":"force"},"body":{},"constants":{},"forbidden":[]},
  OP_GROUP_REMOVE: {"method":"DELETE","path":"/2/groups/{name}","items":["group_name"],"fixed":{},"args":{},"body":{},"constants":{},"forbidden":[]},
  OP_GROUP_RENAME: {"method":"PUT","path":"/2/groups/{name}/rename","items":["group_name"],"fixed":{},"args":{},"body":{},"constants":{},"forbidden":[]},
  OP_GROUP_SET_PARAMS: {"method":"PUT","path":"/2/groups/{name}/modify","items":["group_name"],"fixed":{},"args":{},"body":{"diskparams":"custom_diskparams","ipolicy":"custom_ipolicy","ndparams":"custom_ndparams"},"constants":{},"forbidden":[]},
  OP_INSTANCE_ACTIVATE_DISKS: {"method":"PUT","path":"/2/instances/{name}/activate-disks","items":["instance_name"],"fixed":{},"args":{"ignore_size":"ignore_size"},"body":{},"constants":{},"forbidden":[]},
  OP_INSTANCE_CREATE: {"method":"POST","path":"/2/instances","items":[],"fixed":{},"args":{},"body":{"instance_name":"name","os_type":"os"},"constants":{"__version__":1},"forbidden":[]},
  OP_INSTANCE_DEACTIVATE_DISKS: {"method":"PUT","path":"/2/instances/{name}/deactivate-disks","items":["instance_name"],"fixed":{},"args":{},"body":{},"constants":{},"forbidden":[]},
  OP_INSTANCE_FAILOVER: {"method":"PUT","path":"/2/instances/{name}/failover","items":["instance_name"],"fixed":{},"args":{},"body":{},"constants":{},"forbidden":[]},
  OP_INSTANCE_GROW_DISK: {"method":"POST","path":"/2/instances/{name}/disk/{id}/grow","items":["instance_name","disk"],"fixed":{},"args":{},"body":{},"constants":{},"forbidden":[]},
  OP_INSTANCE_MIGRATE: {"method":"PUT","path":"/2/instances/{name}/migrate","items":["instance_name"],"fixed":{},"args":{},"body":{},"constants":{},"forbidden":[]},
  OP_INSTANCE_REBOOT: {"method":"POST","path":"/2/instances/{name}/reboot","items":["instance_name"],"fixed":{},"args":{"reboot_type":"type","ignore_secondaries":"ignore_secondaries"},"body":{},"constants":{},"forbidden":[]},
  OP_INSTANCE_RECREATE_DISKS: {"method":"POST","path":"/2/instances/{name}/recreate-disks","items":["instance_name"],"fixed":{},"args":{},"body":{},"constants":{},"forbidden":[]},
  OP_INSTANCE_REMOVE: {"method":"DELETE","path":"/2/instances/{name}","items":["instance_name"],"fixed":{},"args":{},"body":{},"constants":{},"forbidden":[]},
  OP_INSTANCE_REPLACE_DISKS: {"method":"POST","path":"/2/instances/{name}/replace-disks","items":["instance_name"],"fixed":{},"args":{},"body":{},"constants":{},"forbidden":[]},
  OP_INSTANCE_SHUTDOWN: {"method":"PUT","path":"/2/instances/{name}/shutdown","items":["instance_name"],"fixed":{},"args":{"no_remember":"no_remember"},"body":{},"constants":{},"forbidden":[]},
  OP_INSTANCE_STARTUP: {"method":"PUT","path":"/2/instances/{name}/startup","items":["instance_name"],"fixed":{},"args":{"force":"force","no_remember":"no_remember"},"body":{},"constants":{},"forbidden":[]},
  OP_NETWORK_ADD: {"method":"POST","path":"/2/networks","items":[],"fixed":{},"args":{},"body":{"network_name":"name"},"constants":{},"forbidden":[]},
  OP_NETWORK_CONNECT: {"method":"PUT","path":"/2/networks/{name}/connect","items":["network_name"],"fixed":{},"args":{},"body":{},"constants":{},"forbidden":[]},
  OP_NETWORK_DISCONNECT: {"method":"PUT","path":"/2/networks/{name}/disconnect","items":["network_name"],"fixed":{},"args":{},"body":{},"constants":{},"forbidden":[]},
  OP_NETWORK_REMOVE: {"method":"DELETE","path":"/2/networks/{name}","items":["network_name"],"fixed":{},"args":{},"body":{},"constants":{},"forbidden":[]},
  OP_NETWORK_SET_PARAMS: {"method":"PUT","path":"/2/networks/{name}/modify","items":["network_name"],"fixed":{},"args":{},"body":{},"constants":{},"forbidden":[]},
  OP_NODE_MIGRATE: {"method":"POST","path":"/2/nodes/{name}/migrate","items":["node_name"],"fixed":{},"args":{},"body":{},"constants":{},"forbidden":[]},
  OP_NODE_POWERCYCLE: {"method":"POST","path":"/2/nodes/{name}/powercycle","items":["node_name"],"fixed":{},"args":{"force":"force"},"body":false,"constants":{},"forbidden":[]},
  OP_NODE_SET_PARAMS: {"method":"POST","path":"/2/nodes/{name}/modify","items":["node_name"],"fixed":{},"args":{},"body":{},"constants":{},"forbidden":[]},
} as const satisfies Readonly<Record<string, Route>>;
