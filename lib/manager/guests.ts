// What a manager does directly with the agents inside of guests: reads, and the transfer of files. What changes a guest is a job.
import { createHash } from 'node:crypto';
import type { Principal } from '../access/principal.ts';
import { MerapiError } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import type { GuestRight } from '../model/access.ts';
import { agentCommands, FILE_CHUNK, isAgentCommand } from '../model/guest-agent/commands.ts';
import { AgentInfo } from '../model/guest-agent/structures.ts';
import type { Node } from '../model/node.ts';
import type { GuestRef } from '../rpc/types.ts';
import { guestNamed } from '../units/checks/guest.ts';
import type { GuestFunctions, GuestStanding } from './define.ts';
import type { ManagerContext } from './parts.ts';

/** Milliseconds for the agent to tell its version when its standing is asked for. */
const INFO_TIMEOUT = 3000;

export function guestFunctions({ store, runtime, nodes, random, rightsOf }: ManagerContext): GuestFunctions {
  /** The running guest of an instance by its name, if the principal has the right. */
  const guestFor = (
    principal: Principal,
    name: string,
    right: GuestRight,
  ): { node: Node; guest: GuestRef } => {
    const rights = rightsOf(principal);
    let uuid = '';
    const resolve = (values: Record<string, Json>) => {
      uuid = String(values.instance_uuid);
    };
    const found = () => guestNamed({ view: rights.seen('look'), runtime, resolve }, name);
    try {
      const guest = found();
      rights.demand(right, { kind: 'instance', id: uuid });
      return { ...guest, node: store.view.nodes.get(guest.node.uuid) ?? guest.node };
    } catch (error) {
      if (uuid !== '') rights.demand(right, { kind: 'instance', id: uuid });
      throw error;
    }
  };

  const ask = async (
    { node, guest }: { node: Node; guest: GuestRef },
    command: string,
    { args = {}, timeout = null, signal }: Parameters<GuestFunctions['askGuest']>[3],
  ): Promise<Json> => {
    const params = { guest, command, args, timeout };
    const { value } = await nodes.call(node, 'guest.command', params, { signal });
    return value as Json;
  };

  return {
    async guestStanding(principal, name, signal): Promise<GuestStanding> {
      const found = guestFor(principal, name, 'guest-read');
      const state = await nodes.call(found.node, 'guest.state', { guest: found.guest }, { signal });
      const asked =
        state.open === false
          ? null
          : await ask(found, 'guest-info', { timeout: INFO_TIMEOUT, signal }).catch(() => null);
      const info = AgentInfo.safeParse(asked);
      return {
        ...state,
        version: info.success ? info.data.version : null,
        commands: info.success
          ? info.data.supported_commands.map((each) => ({ name: each.name, enabled: each.enabled }))
          : null,
      };
    },

    async askGuest(principal, name, command, options) {
      if (!isAgentCommand(command) || !agentCommands[command].reads)
        throw new MerapiError('internal_error', `${command} does not only read`);
      return ask(guestFor(principal, name, agentCommands[command].right), command, options);
    },

    async sendToGuest(principal, name, command, options) {
      return ask(guestFor(principal, name, 'guest-raw'), command, options);
    },

    async guestOutput(principal, name, pid, signal) {
      const { node, guest } = guestFor(principal, name, 'guest-exec');
      return nodes.call(node, 'guest.output', { guest, pid }, { signal });
    },

    async *guestFile(principal, name, { path, offset, count, signal }) {
      const { node, guest } = guestFor(principal, name, 'guest-file-read');
      const { handle } = await nodes.call(node, 'guest.open', { guest, path, offset }, { signal });
      try {
        for (let left = count; left > 0; ) {
          const wanted = Math.min(left, FILE_CHUNK);
          const { data, eof } = await nodes.call(
            node,
            'guest.read',
            { guest, handle, count: wanted },
            { signal },
          );
          const bytes = Buffer.from(data, 'base64');
          if (bytes.length > 0) yield bytes;
          left -= bytes.length;
          if (eof || bytes.length === 0) return;
        }
      } finally {
        await nodes.call(node, 'guest.close', { guest, handle }).catch(() => undefined);
      }
    },

    async uploadForGuest(principal, name, data, signal) {
      const { node, guest } = guestFor(principal, name, 'guest-file-write');
      await nodes.call(node, 'guest.state', { guest }, { signal }); // it must have an agent before anything is sent
      const upload = random.uuid();
      const hash = createHash('sha256');
      let size = 0;
      const send = async (bytes: Buffer) => {
        hash.update(bytes);
        const params = { upload, offset: size, data: bytes.toString('base64') };
        await nodes.call(node, 'guest.upload', params, { signal });
        size += bytes.length;
      };
      for await (const chunk of inChunks(data)) await send(chunk);
      if (size === 0) await send(Buffer.alloc(0)); // an empty file is one too
      return { upload, size, checksum: hash.digest('hex') };
    },
  };
}

/** Bytes in pieces of FILE_CHUNK, the last one shorter. */
async function* inChunks(data: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let length = 0;
  for await (const part of data) {
    parts.push(part);
    length += part.length;
    while (length >= FILE_CHUNK) {
      const all = Buffer.concat(parts);
      yield all.subarray(0, FILE_CHUNK);
      parts = [all.subarray(FILE_CHUNK)];
      length -= FILE_CHUNK;
    }
  }
  if (length > 0) yield Buffer.concat(parts);
}
