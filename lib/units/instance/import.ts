// The import part of OP_INSTANCE_CREATE: from an export on a node of this cluster, or directly from another cluster.
// For another cluster the primary node opens a listener; its address, secrets and certificate go into the job's log as an entry of the
// type `remote-import`, in Ganeti's form, from which the client passes them to the export of the other cluster.

import { MerapiError } from '../../base/errors.ts';
import { stringifyJson } from '../../base/json.ts';
import { checkOnline, nodeNamed } from '../../model/find.ts';
import { hostName } from '../../model/names.ts';
import type { Node } from '../../model/node.ts';
import type { ScriptParams } from '../../rpc/calls/os.ts';
import type { Compression } from '../../rpc/types.ts';
import {
  CERTIFICATE_TIME,
  checkedCertificate,
  checkHandshake,
  makeSalt,
  signedCertificate,
  signedPlace,
} from '../backup/exchange.ts';
import { dumpOf } from '../backup/export-config.ts';
import type { CheckContext, RunContext } from '../define.ts';
import { compressionOf, sourceAt } from '../steps/streams.ts';
import { tolerant } from '../steps/tolerant.ts';
import type { CreateParams } from './create-request.ts';
import { checkDumps, exportedFiles, filledRequest } from './import-request.ts';

/** Seconds within which the other cluster must announce its data, beside those for the shutdown of its instance. */
const PATIENCE = 600;
/** Seconds that one call waits for the data. */
const POLL_INTERVAL = 30;
/** The time between two lines about the data in the job's log, in milliseconds. */
const LOG_INTERVAL = 60_000;
const MIB = 1024 * 1024;

/** Where the data of an imported instance comes from, and the name that the instance had there. */
export type ImportSource =
  | {
      kind: 'node';
      node: Node;
      path: string;
      files: (string | null)[];
      /** The SHA-256 checksum of each file, where the export has it. */
      sums?: (string | null)[];
      oldName: string;
      compress: Compression;
    }
  | { kind: 'cluster'; ca: string; certificate: string; salt: string; patience: number; oldName: string };

/**
 * The request with what the export fills in, and the source of the data; for the mode create the request as it is, without a source.
 * @throws MerapiError wrong_input, not_found, wrong_state, environment_error
 */
export async function checkImport(
  context: CheckContext,
  request: CreateParams,
): Promise<{ params: CreateParams; source: ImportSource | null }> {
  if (request.mode === 'create') return { params: request, source: null };
  if (request.disks.some((disk) => disk.adopt !== undefined))
    throw new MerapiError('wrong_input', 'The disks of an import cannot adopt data: leave adopt out');
  if (request.no_install === true) context.log('no_install has no effect on an import');
  return request.mode === 'import' ? fromNode(context, request) : fromCluster(context, request);
}

/** Finds the export, on the node that the request names or else on any node, and fills in the request from it. */
async function fromNode(
  context: CheckContext,
  request: CreateParams,
): Promise<{ params: CreateParams; source: ImportSource }> {
  const { view, nodes, resolve } = context;
  const compress = compressionOf(view.cluster, request.compress);
  const wanted = request.src_path ?? hostName(request.instance_name);
  const candidates =
    request.src_node === null
      ? view.nodes.list().filter((node) => !node.offline)
      : [nodeNamed(view, request.src_node)];
  for (const node of candidates) {
    checkOnline(node);
    const found = await nodes.call(node, 'backup.read', { path: wanted }).catch((error: unknown) => {
      // The node does not answer or refuses the path: the export may be on another one.
      if (candidates.length > 1 && error instanceof MerapiError) return null;
      throw error;
    });
    if (!found?.config) continue;
    const { path, config, sizes } = found;
    const params = filledRequest(config, request);
    const files = exportedFiles(config);
    checkDumps(path, config, sizes);
    resolve({ src_node: node.name, src_node_uuid: node.uuid, src_path: path });
    const { os_type, disks, nics, hvparams, beparams, osparams, tags, hypervisor, disk_template } = params;
    const filled = { os_type, disks, nics, hvparams, beparams, osparams, tags, hypervisor, disk_template };
    resolve(JSON.parse(stringifyJson(filled)));
    const oldName = config.instance?.name ?? hostName(request.instance_name);
    const sums = files.map((_, disk) => dumpOf(config, disk)?.sha256 ?? null);
    return { params, source: { kind: 'node', node, path, files, sums, oldName, compress } };
  }
  const where = request.src_node === null ? 'any node that answers' : `node ${request.src_node}`;
  throw new MerapiError('wrong_input', `There is no export '${wanted}' on ${where}`);
}

/** Checks what the other cluster has signed. @throws MerapiError wrong_input */
function fromCluster(
  { seal, clock, random }: CheckContext,
  request: CreateParams,
): { params: CreateParams; source: ImportSource } {
  const { source_handshake, source_x509_ca, source_instance_name } = request;
  if (source_handshake === null) throw missing('source_handshake');
  checkHandshake(seal, source_handshake);
  if (source_x509_ca === null) throw missing('source_x509_ca');
  const ca = checkedCertificate({ seal, clock }, source_x509_ca, 'source_x509_ca');
  if (source_instance_name === null) throw missing('source_instance_name');
  const source: ImportSource = {
    kind: 'cluster',
    ca,
    certificate: `import-${random.bytes(8).toString('hex')}`,
    salt: makeSalt(random),
    patience: PATIENCE + request.source_shutdown_timeout,
    oldName: hostName(source_instance_name),
  };
  return { params: request, source };
}

const missing = (name: string) =>
  new MerapiError('wrong_input', `An import from another cluster needs ${name}`);

/** Writes the data onto the new disks, then runs the rename script of the OS, whose failure is only logged. */
export async function importData(
  context: RunContext,
  source: ImportSource,
  node: Node,
  scripts: ScriptParams,
): Promise<void> {
  if (source.kind === 'node') await importFromNode(context, source, node, scripts);
  else await importFromCluster(context, source, node, scripts);
  if (scripts.instance.os === '') return;
  context.log(`Running the rename script of OS ${scripts.instance.os}`);
  const attempt = tolerant(context, true);
  await attempt(() => context.call('os/rename', node, 'os.rename', { ...scripts, old_name: source.oldName }));
}

async function importFromNode(
  context: RunContext,
  { node: from, path, files, sums, compress }: Extract<ImportSource, { kind: 'node' }>,
  node: Node,
  scripts: ScriptParams,
): Promise<void> {
  for (const [disk, file] of files.entries()) {
    if (file === null) continue;
    context.log(`Importing disk ${disk} from node ${from.name}`);
    const id = `import-${scripts.instance.uuid}-${disk}`;
    const offer = { path, file, sha256: sums?.[disk] ?? null, id, to: node.name, compress };
    const place = await context.call(`disk/${disk}/restore`, from, 'backup.restore', offer);
    const importing = { ...scripts, disk, from: sourceAt(from, place, id, compress) };
    await context.call(`disk/${disk}/import`, node, 'os.import', importing);
  }
}

/** Opens a listener for the other cluster, logs where it is, and waits until the data of all disks is imported. */
async function importFromCluster(
  context: RunContext,
  { ca, certificate, salt, patience }: Extract<ImportSource, { kind: 'cluster' }>,
  node: Node,
  scripts: ScriptParams,
): Promise<void> {
  const id = scripts.instance.uuid;
  const { seal } = context;
  const making = { name: certificate, common_name: node.name, seconds: CERTIFICATE_TIME };
  const removal = { call: 'certificate.remove' as const, params: { name: certificate } };
  const { cert } = await context.call('certificate', node, 'certificate.create', making, [removal]);
  const opening = { ...scripts, id, certificate, ca, patience };
  const close = { call: 'transfer.close' as const, params: { id } };
  const opened = await context.call('door', node, 'transfer.open', opening, [close]);
  const host = opened.host ?? node.primary_ip;
  const places = opened.secrets.map((secret, index) =>
    signedPlace(seal, index, { host, port: opened.port, secret }, salt),
  );
  context.log(
    stringifyJson({ disks: places, x509_ca: signedCertificate(seal, cert, salt) }),
    'remote-import',
  );
  await context.step('data', async ({ nodes, cancel, tell }) => {
    for (let loggedAt = context.clock.now(); ; cancel.throwIfAborted()) {
      const waiting = { id, seconds: POLL_INTERVAL };
      const { done, bytes } = await nodes.call(node, 'transfer.wait', waiting, { signal: cancel });
      if (done) return;
      tell({ text: 'receiving', done: bytes.reduce((sum, each) => sum + each, 0), total: null });
      if (context.clock.now() - loggedAt < LOG_INTERVAL) continue;
      loggedAt = context.clock.now();
      context.log(`Received: ${bytes.map((count) => `${Math.floor(count / MIB)} MiB`).join(', ')}`);
    }
  });
  await context.call('door/close', node, close.call, close.params);
  await context.attempt('certificate/remove', node, removal.call, removal.params);
}
