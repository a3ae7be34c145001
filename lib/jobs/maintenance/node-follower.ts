import { type Background, unattended } from '../../base/background.ts';
import type { Logger } from '../../base/log.ts';
import type { ClusterView } from '../../model/view.ts';
import type { NodeClient } from '../../rpc/client.ts';
import type { QueueStore } from '../../store/define.ts';

/** Keeps the master connected to the nodes that the cluster has. start() resolves when each has been tried once. */
export function nodeFollower(
  store: Pick<QueueStore, 'view' | 'onChange'>,
  client: NodeClient,
  log: Logger,
): Background {
  let unsubscribe: () => void = () => undefined;
  return {
    async start() {
      let followed = store.view;
      unsubscribe = store.onChange((view) => {
        const isSame =
          view.nodes === followed.nodes && view.cluster.awaited_nodes === followed.cluster.awaited_nodes;
        followed = view;
        if (!isSame) unattended('following the nodes', log, () => client.follow(online(view)));
      });
      await client.follow(online(followed));
    },
    async stop() {
      unsubscribe();
    },
  };
}

/** The nodes to connect to: all that are not offline, and those that are awaited, to see when they begin to answer. */
const online = ({ nodes, cluster }: ClusterView) => [
  ...nodes.list().filter((node) => !node.offline),
  ...cluster.awaited_nodes.map(({ uuid, name, primary_ip }) => ({
    ...{ uuid, name, primary_ip },
    offline: false,
  })),
];
