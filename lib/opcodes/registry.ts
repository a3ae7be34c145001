// All opcodes. test/contract compares them, their parameters and their types with Ganeti's.
import { MerapiError } from '../base/errors.ts';
import { backupExport } from './backup/export.ts';
import { backupPrepare } from './backup/prepare.ts';
import { backupRemove } from './backup/remove.ts';
import { clusterPostInit } from './cluster/post-init.ts';
import { clusterRedistConf } from './cluster/redist-conf.ts';
import { clusterSetParams } from './cluster/set-params.ts';
import type { Opcode } from './define.ts';
import { groupAdd } from './group/add.ts';
import { groupAssignNodes } from './group/assign-nodes.ts';
import { groupEvacuate } from './group/evacuate.ts';
import { groupRemove } from './group/remove.ts';
import { groupRename } from './group/rename.ts';
import { groupSetParams } from './group/set-params.ts';
import { guestExec } from './guest/exec.ts';
import { guestFileWrite } from './guest/file-write.ts';
import { guestFsfreeze } from './guest/fsfreeze.ts';
import { guestFsthaw } from './guest/fsthaw.ts';
import { guestFstrim } from './guest/fstrim.ts';
import { guestPower } from './guest/power.ts';
import { guestSetMemblocks } from './guest/set-memblocks.ts';
import { guestSetPassword } from './guest/set-password.ts';
import { guestSetTime } from './guest/set-time.ts';
import { guestSetVcpus } from './guest/set-vcpus.ts';
import { guestSshKeys } from './guest/ssh-keys.ts';
import { instanceActivateDisks } from './instance/activate-disks.ts';
import { instanceChangeGroup } from './instance/change-group.ts';
import { instanceConsole } from './instance/console.ts';
import { instanceCreate } from './instance/create.ts';
import { instanceDeactivateDisks } from './instance/deactivate-disks.ts';
import { instanceFailover } from './instance/failover.ts';
import { instanceGrowDisk } from './instance/grow-disk.ts';
import { instanceMigrate } from './instance/migrate.ts';
import { instanceMove } from './instance/move.ts';
import { instanceMultiAlloc } from './instance/multi-alloc.ts';
import { instanceQueryData } from './instance/query-data.ts';
import { instanceReboot } from './instance/reboot.ts';
import { instanceRecreateDisks } from './instance/recreate-disks.ts';
import { instanceReinstall } from './instance/reinstall.ts';
import { instanceRemove } from './instance/remove.ts';
import { instanceRename } from './instance/rename.ts';
import { instanceReplaceDisks } from './instance/replace-disks.ts';
import { instanceSetParams } from './instance/set-params.ts';
import { instanceShutdown } from './instance/shutdown.ts';
import { instanceStartup } from './instance/startup.ts';
import { networkAdd } from './network/add.ts';
import { networkConnect } from './network/connect.ts';
import { networkDisconnect } from './network/disconnect.ts';
import { networkRemove } from './network/remove.ts';
import { networkSetParams } from './network/set-params.ts';
import { nodeAdd } from './node/add.ts';
import { nodeEvacuate } from './node/evacuate.ts';
import { nodeMigrate } from './node/migrate.ts';
import { nodeModifyStorage } from './node/modify-storage.ts';
import { nodePowercycle } from './node/powercycle.ts';
import { nodeQueryStorage } from './node/query-storage.ts';
import { nodeRemove } from './node/remove.ts';
import { nodeSetParams } from './node/set-params.ts';
import { osDiagnose } from './os/diagnose.ts';
import { repairNodeStorage } from './repair/node-storage.ts';
import { tagsDel } from './tags/del.ts';
import { tagsSet } from './tags/set.ts';
import { testAllocator } from './test/allocator.ts';
import { testDelay } from './test/delay.ts';

/** Every opcode, by its id. */
export const opcodes = {
  OP_CLUSTER_POST_INIT: clusterPostInit,
  OP_CLUSTER_SET_PARAMS: clusterSetParams,
  OP_CLUSTER_REDIST_CONF: clusterRedistConf,
  OP_NODE_ADD: nodeAdd,
  OP_NODE_MIGRATE: nodeMigrate,
  OP_NODE_EVACUATE: nodeEvacuate,
  OP_NODE_SET_PARAMS: nodeSetParams,
  OP_NODE_REMOVE: nodeRemove,
  OP_NODE_POWERCYCLE: nodePowercycle,
  OP_NODE_QUERY_STORAGE: nodeQueryStorage,
  OP_NODE_MODIFY_STORAGE: nodeModifyStorage,
  OP_REPAIR_NODE_STORAGE: repairNodeStorage,
  OP_INSTANCE_MIGRATE: instanceMigrate,
  OP_INSTANCE_FAILOVER: instanceFailover,
  OP_INSTANCE_MOVE: instanceMove,
  OP_INSTANCE_CREATE: instanceCreate,
  OP_INSTANCE_REMOVE: instanceRemove,
  OP_INSTANCE_STARTUP: instanceStartup,
  OP_INSTANCE_SHUTDOWN: instanceShutdown,
  OP_INSTANCE_REBOOT: instanceReboot,
  OP_INSTANCE_SET_PARAMS: instanceSetParams,
  OP_INSTANCE_RENAME: instanceRename,
  OP_INSTANCE_REINSTALL: instanceReinstall,
  OP_INSTANCE_MULTI_ALLOC: instanceMultiAlloc,
  OP_INSTANCE_CHANGE_GROUP: instanceChangeGroup,
  OP_INSTANCE_QUERY_DATA: instanceQueryData,
  OP_INSTANCE_CONSOLE: instanceConsole,
  OP_INSTANCE_ACTIVATE_DISKS: instanceActivateDisks,
  OP_INSTANCE_DEACTIVATE_DISKS: instanceDeactivateDisks,
  OP_INSTANCE_GROW_DISK: instanceGrowDisk,
  OP_INSTANCE_RECREATE_DISKS: instanceRecreateDisks,
  OP_INSTANCE_REPLACE_DISKS: instanceReplaceDisks,
  OP_GROUP_ADD: groupAdd,
  OP_GROUP_REMOVE: groupRemove,
  OP_GROUP_EVACUATE: groupEvacuate,
  OP_GROUP_RENAME: groupRename,
  OP_GROUP_SET_PARAMS: groupSetParams,
  OP_GUEST_EXEC: guestExec,
  OP_GUEST_FILE_WRITE: guestFileWrite,
  OP_GUEST_FSFREEZE: guestFsfreeze,
  OP_GUEST_FSTHAW: guestFsthaw,
  OP_GUEST_FSTRIM: guestFstrim,
  OP_GUEST_POWER: guestPower,
  OP_GUEST_SET_MEMBLOCKS: guestSetMemblocks,
  OP_GUEST_SET_PASSWORD: guestSetPassword,
  OP_GUEST_SET_TIME: guestSetTime,
  OP_GUEST_SET_VCPUS: guestSetVcpus,
  OP_GUEST_SSH_KEYS: guestSshKeys,
  OP_GROUP_ASSIGN_NODES: groupAssignNodes,
  OP_NETWORK_ADD: networkAdd,
  OP_NETWORK_REMOVE: networkRemove,
  OP_NETWORK_SET_PARAMS: networkSetParams,
  OP_NETWORK_CONNECT: networkConnect,
  OP_NETWORK_DISCONNECT: networkDisconnect,
  OP_BACKUP_PREPARE: backupPrepare,
  OP_BACKUP_EXPORT: backupExport,
  OP_BACKUP_REMOVE: backupRemove,
  OP_TAGS_SET: tagsSet,
  OP_TAGS_DEL: tagsDel,
  OP_OS_DIAGNOSE: osDiagnose,
  OP_TEST_DELAY: testDelay,
  OP_TEST_ALLOCATOR: testAllocator,
} as const;

/** The definitions by OP_ID, with their types. */
export type Opcodes = typeof opcodes;
export type OpcodeId = keyof Opcodes;

/** The opcode with this id. @throws MerapiError wrong_input */
export function opcodeOf(id: string): Opcode {
  if (!Object.hasOwn(opcodes, id)) throw new MerapiError('wrong_input', `There is no opcode '${id}'`);
  return opcodes[id as OpcodeId] as unknown as Opcode;
}
