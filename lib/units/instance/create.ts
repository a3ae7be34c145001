// OP_INSTANCE_CREATE: creates an instance (mode create), or imports one from an export (import) or from another cluster (remote-import).
// Ports, minor numbers and pool addresses are assigned in the commits of run, since no lock protects them; the steps `console` and
// `addresses` read back what was assigned. The order of checks and of resolve() matters: clients see which error comes first, and what
// the job of a failed check shows.

import { MerapiError } from '../../base/errors.ts';
import { stringifyJson } from '../../base/json.ts';
import type { Disk } from '../../model/disk.ts';
import { fillBeParams } from '../../model/fill.ts';
import { instanceNamed } from '../../model/find.ts';
import { checkBeParams } from '../../model/given-params.ts';
import type { Instance } from '../../model/instance.ts';
import { hostName } from '../../model/names.ts';
import type { Node } from '../../model/node.ts';
import { changed, newObject } from '../../model/object.ts';
import { hasConsolePort } from '../../model/ports.ts';
import { templates } from '../../model/templates/index.ts';
import { instanceCreate as opcode } from '../../opcodes/instance/create.ts';
import type { ScriptParams } from '../../rpc/calls/os.ts';
import { diskTarget, instanceTarget } from '../../rpc/target.ts';
import { put, remove } from '../../store/changes.ts';
import { checkExpectedUuids } from '../checks/expected-uuids.ts';
import { checkHost, checkMemory } from '../checks/host.ts';
import { checkOs } from '../checks/os.ts';
import { type Build, type CheckContext, defineUnit, type RunContext } from '../define.ts';
import { adopted } from '../devices/adopt.ts';
import { buildDisks, checkKnown, checkSpindles, onNodes } from '../devices/disks.ts';
import { connectNics, placeNics, usesPool } from '../devices/nic-addresses.ts';
import { buildNics, checkVlan } from '../devices/nics.ts';
import { creationHooks } from '../hooks/hooks.ts';
import { activateDisks, createDisks, deactivateDisks } from '../steps/disk-work.ts';
import { reserveMirrors, waitForSync } from '../steps/mirrors.ts';
import { scriptFacts, scriptParams } from '../steps/os-scripts.ts';
import { placeConsole } from './console-port.ts';
import { checkPolicy, chooseNodes } from './create-place.ts';
import {
  adopts,
  type CreateParams,
  checkRequest,
  defaultHypervisor,
  givenNodes,
  type Settings,
  settingsOf,
  specOf,
  tagsOf,
} from './create-request.ts';
import {
  normalisedRequest,
  shownFirst,
  shownNodes,
  shownSettings,
  shownTemplate,
  sizedDisks,
} from './create-shown.ts';
import { checkImport, importData } from './import.ts';

export const instanceCreate = defineUnit(opcode, {
  version: 2, // 1: neither whether it is started nor its port were facts
  checksUuids: true,
  async check(context, request) {
    const { view, clock, random, resolve, log } = context;
    const hostname = hostName(request.instance_name); // an invalid name is refused before anything is resolved
    const normalised = normalisedRequest(request);
    const sizedRequests = sizedDisks(normalised.disks, (disks) =>
      resolve(shownFirst(hostname, { ...normalised, disks })),
    );
    for (const [index, nic] of normalised.nics.entries()) checkVlan(nic, `NIC ${index}`);
    const asked = { ...normalised, disks: sizedRequests };
    for (const disk of asked.disks) checkKnown(disk, asked.disk_template);
    const { params, source } = await checkImport(context, asked);
    const { name, template } = checkRequest(view, params);
    resolve(shownTemplate(params, template));
    checkExpectedUuids(templates[template].mirrored ? params : { ...params, snode: null }, view);
    if (view.instances.named(name))
      throw new MerapiError(
        'already_exists',
        `There is an instance ${instanceNamed(view, name).name} already`,
      );
    const given = givenNodes(view, params, template);
    if (given) resolve(shownNodes(given));
    const hypervisor = params.hypervisor ?? defaultHypervisor(view);
    resolve({ hypervisor });
    const settings = settingsOf(view, params, hypervisor);
    resolve(shownSettings(params, settings));
    checkBeParams(fillBeParams(view.cluster, settings.beparams));
    const now = clock.seconds();
    const head = newObject(random.uuid(), now);
    if (given) await checkInstall(context, params, settings, given.primary);
    const wanted = await buildNics(context, name, params.nics);
    const built = buildDisks(view.cluster, params.disks, {
      instance: { uuid: head.uuid, name },
      template,
      fileDriver: params.file_driver ?? 'loop',
      fileFolder: params.file_storage_dir,
      now,
      random,
    });
    const nodes =
      given ?? (await chooseNodes(context, params, { name, settings, template, disks: built, nics: wanted }));
    const node = nodes.primary;
    const nics = connectNics(view, wanted, node, head.uuid, params.conflicts_check);
    const withData = adopts(params) ? await adopted(context, node, built) : built;
    const disks = onNodes(withData, node.uuid, nodes.secondary?.uuid ?? null);
    if (given) checkPolicy(view, node, specOf(view, settings, template, disks, nics), params.ignore_ipolicy);
    else {
      resolve(shownNodes(nodes));
      await checkInstall(context, params, settings, node);
    }
    checkSpindles(view, node, params.disks.entries());
    const instance: Instance = {
      ...head,
      name,
      primary_node: node.uuid,
      os: params.os_type ?? '',
      hypervisor: settings.hypervisor,
      hvparams: settings.hvparams,
      beparams: settings.beparams,
      osparams: settings.osparams,
      osparams_private: params.osparams_private
        ? context.seal.close(stringifyJson(params.osparams_private))
        : null,
      admin_state: 'down',
      admin_state_source: 'admin',
      disk_template: template,
      disks: disks.map((disk) => disk.uuid),
      nics,
      network_port: null,
      tags: tagsOf(params),
    };
    const target = instanceTarget(view, instance, disks);
    await checkHost(context.nodes, node, target);
    if (params.start) checkMemory(context.runtime, node, target.beparams.minmem);
    if (!source && params.start && params.os_type === null && !params.no_install)
      log('No OS is given: the disks are left empty');
    const install = !source && params.os_type !== null && !params.no_install && !adopts(params);
    // Private OS parameters of the instance come from the request: run() passes them to the scripts.
    const scripts = scriptFacts(view, { ...instance, osparams_private: null });
    return { instance, disks, nodes, target, source, install, start: params.start, ...scripts };
  },

  hooks: (view, { source, ...facts }, params) =>
    creationHooks(
      view,
      { ...facts, source: source?.kind === 'node' ? source : null },
      { ...params, start: facts.start },
    ),

  dryRun: ({ nodes }) => Object.values(nodes).flatMap((node) => node?.uuid ?? []),

  async run(context, facts, params) {
    const { instance, nodes, start } = facts;
    const node = nodes.primary;
    const disks = await reserveMirrors(context, facts.disks);
    const target = { ...facts.target, disks: disks.map(diskTarget) };
    if (disks.length > 0 && !adopts(params)) {
      const where = nodes.secondary ? `${node.name} and ${nodes.secondary.name}` : node.name;
      context.log(`Creating ${disks.length} disk${disks.length > 1 ? 's' : ''} on ${where}`);
      await createDisks(context, nodes, target.disks);
    }
    context.log(`Adding instance ${instance.name} to the cluster`);
    await context.commit('instance', addition(instance, disks), removal(instance, disks));
    if (usesPool(instance.nics)) target.nics = await withPoolAddresses(context, instance, target.nics);
    if (hasConsolePort(instance.hypervisor))
      target.network_port = await context.step(
        'console',
        ({ view }) => view.instances.get(instance.uuid)?.network_port ?? null,
      );
    const getsData = facts.install || facts.source !== null;
    if (getsData || start) await activateDisks(context, nodes, target.disks);
    const hidden = { ...params.osparams_private, ...params.osparams_secret };
    const scripts = scriptParams(context.seal, facts, target, params, hidden);
    if (facts.install) await install(context, node, scripts);
    if (facts.source) await importData(context, facts.source, node, scripts);
    if (start && params.wait_for_sync) await waitForSync(context, node, disks);
    if (start) {
      context.log('Starting the instance');
      await context.call('start', node, 'instance.start', { instance: target, paused: false }, [
        { call: 'instance.stop', params: { instance: target, timeout: 0, force: true } },
        { call: 'instance.forget', params: { instance: target } },
      ]);
    } else if (getsData) await deactivateDisks(context, nodes, target.disks);
    const now = context.clock.seconds();
    return {
      result: Object.values(nodes).flatMap((each) => each?.name ?? []),
      changes: (view) => {
        const current = view.instances.get(instance.uuid);
        if (!current || !start) return [];
        return [put('instance', changed(current, { admin_state: 'up' }, now))];
      },
    };
  },
});

/** Checks that the node has the OS of the request, if one is to be installed or imported. @throws MerapiError as checkOs() */
async function checkInstall(
  { view, nodes }: CheckContext,
  params: CreateParams,
  settings: Settings,
  node: Node,
): Promise<void> {
  if (params.os_type === null || (params.no_install && params.mode === 'create')) return;
  const all = { ...settings.osparams, ...params.osparams_private, ...params.osparams_secret };
  await checkOs(view, nodes, node, params.os_type, { forceVariant: params.force_variant, params: all });
}

async function install(context: RunContext, node: Node, scripts: ScriptParams): Promise<void> {
  context.log(`Running the create script of OS ${scripts.instance.os}`);
  await context.call('os/create', node, 'os.create', { ...scripts, reinstall: false });
}

/** The change that adds the instance with its disks. Addresses and the console port are assigned here: see the head of the file. */
function addition(instance: Instance, disks: readonly Disk[]): Build {
  return (view) => {
    const nics = placeNics(view, instance.nics, instance.uuid);
    const network_port = placeConsole(view, instance);
    return [...disks.map((disk) => put('disk', disk)), put('instance', { ...instance, nics, network_port })];
  };
}

/** The NICs with the addresses that were assigned from pools; logs these. */
async function withPoolAddresses<T extends { uuid: string; name: string | null; ip: string | null }>(
  context: RunContext,
  { uuid }: Instance,
  nics: readonly T[],
): Promise<T[]> {
  const addresses = await context.step('addresses', ({ view }) =>
    (view.instances.get(uuid)?.nics ?? []).map((nic) => nic.ip),
  );
  return nics.map((nic, index) => {
    const ip = addresses[index] ?? null;
    if (ip !== nic.ip) context.log(`NIC ${index} gets the address ${ip}`);
    return { ...nic, ip };
  });
}

function removal(instance: Instance, disks: readonly Disk[]): Build {
  return () => [remove('instance', instance.uuid), ...disks.map((disk) => remove('disk', disk.uuid))];
}
