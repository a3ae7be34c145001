import {
  backupDiscard,
  backupFetch,
  backupFinish,
  backupList,
  backupOffer,
  backupPrepare,
  backupRead,
  backupRemove,
  backupRestore,
} from './calls/backup.ts';
import { callCancel } from './calls/call.ts';
import { certificateCreate, certificateRemove } from './calls/certificate.ts';
import {
  diskActivate,
  diskCheck,
  diskCopy,
  diskCreate,
  diskDeactivate,
  diskFetch,
  diskGrow,
  diskOffer,
  diskRemove,
  diskRename,
  diskSnapshot,
  diskStatus,
} from './calls/disk.ts';
import { hooksRun } from './calls/hooks.ts';
import {
  instanceCheck,
  instanceForget,
  instanceMemory,
  instancePlug,
  instanceReboot,
  instanceResize,
  instanceStart,
  instanceStop,
  instanceUnplug,
} from './calls/instance.ts';
import { migrationReceive, migrationResume, migrationSend } from './calls/migration.ts';
import { networkBridges } from './calls/network.ts';
import {
  nodeCertificate,
  nodeCertify,
  nodeDelay,
  nodeFacts,
  nodeHello,
  nodePowercycle,
} from './calls/node.ts';
import { osCreate, osImport, osList, osRename } from './calls/os.ts';
import { storageList, storageModify, storageRepair } from './calls/storage.ts';
import {
  transferClose,
  transferOpen,
  transferPromise,
  transferSend,
  transferWait,
} from './calls/transfer.ts';
import type { CallParams, CallResult } from './define.ts';

/** Every call that the master can make on a node worker, by name. The compiler checks that the worker has a handler for each. */
export const calls = {
  'call.cancel': callCancel,
  'node.hello': nodeHello,
  'node.facts': nodeFacts,
  'node.delay': nodeDelay,
  'node.powercycle': nodePowercycle,
  'node.certificate': nodeCertificate,
  'node.certify': nodeCertify,
  'instance.check': instanceCheck,
  'instance.start': instanceStart,
  'instance.stop': instanceStop,
  'instance.reboot': instanceReboot,
  'instance.resize': instanceResize,
  'instance.forget': instanceForget,
  'instance.memory': instanceMemory,
  'instance.plug': instancePlug,
  'instance.unplug': instanceUnplug,
  'disk.create': diskCreate,
  'disk.grow': diskGrow,
  'disk.activate': diskActivate,
  'disk.deactivate': diskDeactivate,
  'disk.check': diskCheck,
  'disk.copy': diskCopy,
  'disk.snapshot': diskSnapshot,
  'disk.offer': diskOffer,
  'disk.fetch': diskFetch,
  'disk.remove': diskRemove,
  'disk.rename': diskRename,
  'disk.status': diskStatus,
  'migration.receive': migrationReceive,
  'migration.send': migrationSend,
  'migration.resume': migrationResume,
  'os.list': osList,
  'os.create': osCreate,
  'os.rename': osRename,
  'os.import': osImport,
  'backup.list': backupList,
  'backup.read': backupRead,
  'backup.prepare': backupPrepare,
  'backup.discard': backupDiscard,
  'backup.offer': backupOffer,
  'backup.fetch': backupFetch,
  'backup.finish': backupFinish,
  'backup.restore': backupRestore,
  'backup.remove': backupRemove,
  'certificate.create': certificateCreate,
  'certificate.remove': certificateRemove,
  'transfer.open': transferOpen,
  'transfer.wait': transferWait,
  'transfer.close': transferClose,
  'transfer.promise': transferPromise,
  'transfer.send': transferSend,
  'network.bridges': networkBridges,
  'hooks.run': hooksRun,
  'storage.list': storageList,
  'storage.modify': storageModify,
  'storage.repair': storageRepair,
} as const;

type Calls = typeof calls;
export type CallName = keyof Calls;
/** The parameters and the result of a call, by its name. */
export type ParamsOf<N extends CallName> = CallParams<Calls[N]>;
export type ResultOf<N extends CallName> = CallResult<Calls[N]>;
