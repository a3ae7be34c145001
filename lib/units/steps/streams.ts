import { MerapiError } from '../../base/errors.ts';
import type { Cluster } from '../../model/cluster.ts';
import type { Node } from '../../model/node.ts';
import { Compression, type StreamSource } from '../../rpc/types.ts';

/**
 * The compression that a request names for data that goes from node to node; `none` is always allowed.
 * @throws MerapiError wrong_input when the cluster's compression_tools do not contain it, or Merapi does not know it
 */
export function compressionOf({ compression_tools }: Cluster, name: string): Compression {
  const allowed = Compression.options.filter((each) => each === 'none' || compression_tools.includes(each));
  const found = allowed.find((each) => each === name);
  if (found !== undefined) return found;
  throw new MerapiError(
    'wrong_input',
    `Data cannot be compressed by '${name}'; give one of ${allowed.join(', ')}`,
  );
}

/** The source from which one worker fetches the data that the worker of `node` offers at `place`; a null host means its primary address. */
export function sourceAt(
  node: Node,
  place: { host: string | null; port: number },
  id: string,
  compress: Compression,
): StreamSource {
  return { node: node.name, host: place.host ?? node.primary_ip, port: place.port, id, compress };
}
