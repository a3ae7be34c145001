// OP_BACKUP_EXPORT: exports an instance to a node of this cluster or, in remote mode, to another cluster.
//
//   instance                  disks that are exported
//   is down                   its own disks, activated for the export
//   runs, with shutdown       copies that are made while it is stopped; then it starts again. With long_sleep or remove_instance its
//                             own disks: it stays stopped until the export has ended
//   runs, without shutdown    copies that are made while it runs, with its file systems frozen if it has a guest agent, otherwise as if
//                             its power had failed
//
// An export to a node is built in a folder of its own; `backup.finish` replaces an older export by it, so a failed export leaves the
// older one. Removing the instance (remove_instance) comes last, since it cannot be undone.

import { formatIni, parseIni } from '../../base/ini.ts';
import { checkOnline, instanceNamed } from '../../model/find.ts';
import { hostNamed } from '../../model/lookup.ts';
import { diskNodesOf } from '../../model/mirror.ts';
import type { Node } from '../../model/node.ts';
import { backupExport as opcode } from '../../opcodes/backup/export.ts';
import type { ScriptParams } from '../../rpc/calls/os.ts';
import { isRunning } from '../../rpc/runtime.ts';
import { instanceTarget } from '../../rpc/target.ts';
import type { DiskTarget } from '../../rpc/types.ts';
import { remove } from '../../store/changes.ts';
import { checkOs, openPrivate } from '../checks/os.ts';
import { defineUnit, type RunContext } from '../define.ts';
import { instanceHooks } from '../hooks/hooks.ts';
import { activateDisks, deactivateDisks, removeDisks, withoutOffline } from '../steps/disk-work.ts';
import { whileFrozen } from '../steps/frozen.ts';
import { scriptFacts, scriptParams } from '../steps/os-scripts.ts';
import { logShutdownWait } from '../steps/running.ts';
import { compressionOf, sourceAt } from '../steps/streams.ts';
import { tolerant } from '../steps/tolerant.ts';
import { type Dump, exportConfig, withDumps } from './export-config.ts';
import { checkRequest, type Destination, destinationOf } from './export-request.ts';
import { exportNodes, removeExports } from './exports.ts';
import { snapshotOf } from './snapshots.ts';

export const backupExport = defineUnit(opcode, {
  version: 2, // 1: the copies of disks were made and filled by two steps
  async check(context, params) {
    const { view, runtime, nodes, seal, clock, random, resolve, log } = context;
    const instance = instanceNamed(view, params.instance_name);
    resolve({ instance_name: instance.name, instance_uuid: instance.uuid });
    const disks = view.disksOf(instance);
    const destination = destinationOf(context, params, disks.length);
    if (destination.kind === 'node')
      resolve({ target_node: destination.node.name, target_node_uuid: destination.node.uuid });
    checkRequest(params);
    const compress = compressionOf(view.cluster, params.compress);
    const diskNodes = withoutOffline(diskNodesOf(view, instance), log);
    checkOnline(diskNodes.primary);
    if (instance.os !== '') {
      const own = { ...instance.osparams, ...openPrivate(seal, instance.osparams_private) };
      await checkOs(view, nodes, diskNodes.primary, instance.os, { forceVariant: true, params: own });
    }
    const wasRunning = isRunning(runtime, instance);
    const staysDown = params.shutdown && (params.long_sleep || params.remove_instance);
    const hasAgent = runtime.guest(instance.primary_node, instance)?.agent?.open === true;
    if (wasRunning && !params.shutdown && !hasAgent)
      log(
        'The instance keeps running, without a guest agent: its disks are exported as if its power had failed',
      );
    const files = disks.map((disk, index) => `${disk.uuid}.disk${index}.snap`);
    const target = instanceTarget(view, instance, disks);
    const exported = { view, instance, target, disks, files, now: clock.seconds() };
    return {
      /** The guest whose file systems are frozen while its disks are copied; null for none. */
      freezes:
        wasRunning && !params.shutdown && hasAgent
          ? {
              guest: { uuid: instance.uuid, name: instance.name, hypervisor: instance.hypervisor },
              id: random.uuid(),
            }
          : null,
      ...{ target, disks: target.disks, files, destination, compress, nodes: diskNodes, wasRunning },
      /** The copies of the disks that are exported instead of the disks themselves; null for none. */
      snapshots: wasRunning && !staysDown ? disks.map((disk) => snapshotOf(disk, random)) : null,
      wasActive: instance.disks_active === true || (wasRunning && !params.shutdown),
      config: formatIni(exportConfig(exported)),
      others: exportNodes(view).filter(
        (node) => destination.kind === 'node' && node.uuid !== destination.node.uuid,
      ),
      ...scriptFacts(view, instance),
    };
  },

  hooks: instanceHooks('instance-export', (params, view, instance) => {
    const { target_node } = params;
    const target = typeof target_node === 'string' ? hostNamed(view.nodes, target_node) : undefined;
    return {
      env: {
        EXPORT_MODE: params.mode,
        EXPORT_NODE: params.mode === 'local' ? params.target_node : null,
        EXPORT_DO_SHUTDOWN: params.shutdown,
        SHUTDOWN_TIMEOUT: params.shutdown_timeout,
        REMOVE_INSTANCE: params.remove_instance,
      },
      pre: target ? [instance.primary_node, target.uuid] : [instance.primary_node],
    };
  }),

  async run(context, facts, params) {
    const { target, nodes, disks, snapshots, destination, wasRunning, wasActive } = facts;
    const { primary } = nodes;
    if (destination.kind === 'node')
      await context.call('prepare', destination.node, 'backup.prepare', { instance_name: target.name }, [
        { call: 'backup.discard', params: { instance_name: target.name } },
      ]);
    else await announce(context, primary, destination);
    const start = { call: 'instance.start' as const, params: { instance: target, paused: false } };
    if (params.shutdown && wasRunning) {
      logShutdownWait(context.log, wasRunning, params.shutdown_timeout);
      const stopping = { instance: target, timeout: params.shutdown_timeout, force: false };
      await context.call('stop', primary, 'instance.stop', stopping, [start]);
    }
    // The disks of an instance that was stopped here are still active, and an undo leaves them so.
    if (!wasActive) await activateDisks(context, nodes, disks, { wasActive: wasRunning });
    if (snapshots)
      await whileFrozen(context, primary, facts.freezes ?? null, () =>
        copyDisks(context, primary, disks, snapshots),
      );
    const isRestarted = snapshots !== null && params.shutdown;
    if (isRestarted) {
      context.log('Starting the instance again');
      await context.call('start', primary, start.call, start.params);
    }
    const dumps = await transfer(context, destination, {
      ...{ node: primary, disks: snapshots ?? disks, files: facts.files, compress: facts.compress },
      scripts: scriptParams(context.seal, facts, target, params),
    });
    for (const [index, disk] of (snapshots ?? []).entries())
      await context.attempt(`snapshot/${index}/remove`, primary, 'disk.remove', { disk });
    if (wasRunning && !isRestarted && params.shutdown && !params.remove_instance) {
      context.log('Starting the instance again');
      await context.call('start', primary, start.call, start.params);
    } else if (!wasRunning && !wasActive) await deactivateDisks(context, nodes, disks);
    if (destination.kind === 'node') {
      const config = formatIni(withDumps(parseIni(facts.config), dumps));
      const finished = { instance_name: target.name, config };
      await context.call('finish', destination.node, 'backup.finish', finished);
      // An older export that stays on another node is no failure of this one.
      await removeExports(context, facts.others, target.name, tolerant(context, true));
    } else
      await context.attempt('certificate', primary, 'certificate.remove', { name: destination.certificate });
    const result: [boolean, boolean[]] = [true, disks.map(() => true)];
    if (!params.remove_instance) return { result };
    context.log(`Removing instance ${target.name}`);
    await removeDisks(context, nodes, disks, { refusable: !params.ignore_remove_failures });
    await context.attempt('forget', primary, 'instance.forget', { instance: target });
    return {
      result,
      changes: () => [...disks.map((disk) => remove('disk', disk.uuid)), remove('instance', target.uuid)],
    };
  },
});

/** Makes the copies of disks, with the data that these have now. */
async function copyDisks(
  context: RunContext,
  primary: Node,
  disks: readonly DiskTarget[],
  copies: readonly DiskTarget[],
): Promise<void> {
  context.log(`Copying the disks on node ${primary.name}`);
  for (const [index, disk] of disks.entries()) {
    const copy = copies[index] as DiskTarget;
    await context.call(`snapshot/${index}`, primary, 'disk.snapshot', { disk, copy }, [
      { call: 'disk.remove', params: { disk: copy } },
    ]);
  }
}

interface Transfer {
  /** The node that has the disks. */
  node: Node;
  /** The disks to send. */
  disks: readonly DiskTarget[];
  /** The name of the file for each disk. */
  files: readonly string[];
  compress: Parameters<typeof sourceAt>[3];
  scripts: ScriptParams;
}

/** Tells the other cluster that the disks will be sent; the undo withdraws that. */
async function announce(
  context: RunContext,
  node: Node,
  { certificate, ca, places }: Extract<Destination, { kind: 'cluster' }>,
): Promise<void> {
  const [to] = places;
  if (!to) return;
  const peer = { certificate, ca, to };
  await context.call('promise', node, 'transfer.promise', { ...peer, withdraws: false }, [
    { call: 'transfer.promise', params: { ...peer, withdraws: true } },
  ]);
}

/** Sends the data of the disks. Returns size and checksum of each file on a node; nothing for another cluster. */
async function transfer(context: RunContext, destination: Destination, what: Transfer): Promise<Dump[]> {
  const { node, disks, files, compress, scripts } = what;
  if (destination.kind === 'node') {
    const { node: to } = destination;
    const dumps: Dump[] = [];
    for (const [index, source] of disks.entries()) {
      context.log(`Exporting disk ${index} (${source.size} MiB) to node ${to.name}`);
      const id = `export-${scripts.instance.uuid}-${index}`;
      const offer = { ...scripts, disk: index, source, id, to: to.name, compress };
      const place = await context.call(`disk/${index}/offer`, node, 'backup.offer', offer);
      const dump = await context.call(`disk/${index}/fetch`, to, 'backup.fetch', {
        instance_name: scripts.instance.name,
        file: files[index] as string,
        from: sourceAt(node, place, id, compress),
      });
      context.log(`Disk ${index} is exported: ${dump.bytes} bytes`);
      dumps.push(dump);
    }
    return dumps;
  }
  const { certificate, ca, places } = destination;
  // In parallel, since the other cluster waits for all disks at once.
  await Promise.all(
    disks.map(async (source, index) => {
      const to = places[index] as (typeof places)[number];
      context.log(`Sending disk ${index} (${source.size} MiB) to ${to.host} port ${to.port}`);
      const sending = { ...scripts, disk: index, source, certificate, ca, to, compress };
      await context.call(`disk/${index}/send`, node, 'transfer.send', sending);
    }),
  );
  return [];
}
