import type { NodeClient } from '../../rpc/client.ts';
import type { Store } from '../../store/store.ts';

/** Keeps the master connected to the nodes of the cluster, whichever they are. Resolves when each has been tried once. */
export async function keepNodesFollowed(store: Store, client: NodeClient): Promise<void> {
  let followed = store.view.nodes;
  store.onChange((view) => {
    if (view.nodes === followed) return;
    followed = view.nodes;
    void client.follow(followed.list());
  });
  await client.follow(followed.list());
}
