import { MerapiError } from '../../base/errors.ts';
import { checkOnline, nodeNamed } from '../../model/find.ts';
import type { Node } from '../../model/node.ts';
import type { backupExport } from '../../opcodes/backup/export.ts';
import type { CommonValues, ValuesOf } from '../../opcodes/define.ts';
import type { CheckContext } from '../define.ts';
import { checkedCertificate, checkedName, checkedPlace, type DiskPlace } from './exchange.ts';

type ExportParams = ValuesOf<typeof backupExport> & CommonValues;

/** The destination of an export. */
export type Destination =
  /** A node of this cluster, which keeps the export. */
  | { kind: 'node'; node: Node }
  /**
   * Another cluster, which is waiting for the disks. `certificate` is the name of the certificate on the sending node, `ca` the
   * certificate of the other cluster.
   */
  | { kind: 'cluster'; certificate: string; ca: string; places: DiskPlace[] };

/** The destination of an export of `count` disks. @throws MerapiError not_found, wrong_state, or wrong_input with what is missing or wrong */
export function destinationOf(
  { view, seal, clock }: CheckContext,
  params: ExportParams,
  count: number,
): Destination {
  const { mode, target_node, x509_key_name, destination_x509_ca } = params;
  if (mode === 'local') {
    if (typeof target_node !== 'string')
      throw new MerapiError('wrong_input', 'target_node must be the name of a node, or mode must be remote');
    const node = nodeNamed(view, target_node);
    checkOnline(node);
    if (node.drained)
      throw new MerapiError('wrong_state', `Node ${node.name} is drained: it takes no exports`);
    return { kind: 'node', node };
  }
  if (typeof target_node === 'string')
    throw new MerapiError(
      'wrong_input',
      'In remote mode target_node must be the list of disks of the import',
    );
  if (x509_key_name === null) throw new MerapiError('wrong_input', 'Remote mode needs x509_key_name');
  if (destination_x509_ca === null)
    throw new MerapiError('wrong_input', 'Remote mode needs destination_x509_ca');
  const certificate = checkedName(seal, x509_key_name, 'x509_key_name');
  const ca = checkedCertificate({ seal, clock }, destination_x509_ca, 'destination_x509_ca');
  if (target_node.length !== count)
    throw new MerapiError(
      'wrong_input',
      `target_node has ${target_node.length} disks; the instance has ${count}`,
    );
  const places = target_node.map((given, index) => checkedPlace(seal, index, given));
  return { kind: 'cluster', certificate, ca, places };
}

/** @throws MerapiError wrong_input for parameters that contradict each other or are not supported */
export function checkRequest(params: ExportParams): void {
  if (params.remove_instance && !params.shutdown)
    throw new MerapiError('wrong_input', 'remove_instance needs shutdown: a running instance is not removed');
  if (params.zero_free_space)
    throw new MerapiError(
      'wrong_input',
      'zero_free_space is not supported: it needs a helper VM; leave it out',
    );
}
