import * as z from 'zod';
import type { Handlers } from '../../rpc/server.ts';
import type { GuestAgents } from '../guest/agents.ts';
import type { Execution } from '../guest/executions.ts';

/** Milliseconds after which file systems are thawed that a command froze which was sent as it is. */
const RAW_FREEZE = 60_000;

/** The arguments of the commands that freeze, checked by the agent otherwise. */
const RawFreeze = z.object({ mountpoints: z.array(z.string()).optional().catch(undefined) });

type GuestHandlers = Pick<Handlers, Extract<keyof Handlers, `guest.${string}`>>;

/** The handlers of the calls about guest agents. */
export function guestExecutors(agents: GuestAgents): GuestHandlers {
  const { executions, files, freezes, starts, uploads } = agents;
  return {
    'guest.state': async ({ guest }) => {
      const agent = agents.of(guest);
      const port = agents.portOf(guest.uuid);
      return {
        running: port !== null,
        open: port === null ? false : port.isOpen,
        frozen: freezes.has(guest.uuid),
        last_seen: agent.lastSeen,
      };
    },
    'guest.command': async ({ guest, command, args, timeout }, { signal }) => {
      const agent = agents.of(guest);
      // What is frozen must be thawed in time, whoever asked for it and how.
      const thaws = command === 'guest-fsfreeze-thaw' && freezes.has(guest.uuid);
      if (thaws) return { value: (await freezes.thaw(guest.uuid, agent, { signal })).count };
      if (!/^guest-fsfreeze-freeze(-list)?$/.test(command))
        return { value: await agent.raw(command, args, { timeout: timeout ?? undefined, signal }) };
      const { mountpoints } = RawFreeze.parse(args);
      return {
        value: await freezes.freeze(guest.uuid, agent, {
          id: 'command',
          mountpoints,
          ttl: RAW_FREEZE,
          signal,
        }),
      };
    },
    'guest.change': async ({ guest, command, args }, { signal }) => {
      const agent = agents.of(guest);
      // A repeated call finds the guest that the first one has shut down.
      const isDown =
        command === 'guest-shutdown' && args.mode !== 'reboot' && agents.portOf(guest.uuid) === null;
      return { value: isDown ? null : await agent.raw(command, args, { signal }) };
    },
    'guest.freeze': async ({ guest, id, mountpoints, ttl }, { signal }) => ({
      count: await freezes.freeze(guest.uuid, agents.of(guest), {
        ...{ id, mountpoints: mountpoints ?? undefined, ttl },
        signal,
      }),
    }),
    'guest.thaw': ({ guest, id }, { signal }) => freezes.thaw(guest.uuid, agents.of(guest), { id, signal }),
    'guest.start': async ({ guest, run, argv, env, input, capture }, { signal }) => {
      const agent = agents.of(guest);
      const [path = '', ...arg] = argv;
      const pid = await starts.once(run, async () => {
        const answer = await agent.execute(
          'guest-exec',
          {
            ...{ path, arg, 'capture-output': capture },
            ...(env.length > 0 ? { env } : {}),
            ...(input === null ? {} : { 'input-data': input }),
          },
          { signal, hidden: [...argv, ...env] },
        );
        return Number(answer.pid);
      });
      executions.started(guest.uuid, pid);
      return { pid };
    },
    'guest.wait': async ({ guest, pid, timeout }, { signal }) =>
      withoutOutput(await executions.wait(guest.uuid, agents.of(guest), { pid, timeout, signal })),
    'guest.output': ({ guest, pid }, { signal }) =>
      executions.status(guest.uuid, agents.of(guest), pid, signal),
    'guest.open': async ({ guest, path, offset }, { signal }) => ({
      handle: await files.open(guest.uuid, agents.of(guest), { path, offset, signal }),
    }),
    'guest.read': ({ guest, handle, count }, { signal }) =>
      files.read(guest.uuid, agents.of(guest), { handle, count, signal }),
    'guest.close': async ({ guest, handle }) => {
      await files.close(guest.uuid, agents.of(guest), handle);
      return {};
    },
    'guest.upload': async ({ upload, offset, data }) => ({
      size: await uploads.append(upload, offset, Buffer.from(data, 'base64')),
    }),
    'guest.discard': async ({ upload }) => {
      await uploads.remove(upload);
      return {};
    },
    'guest.write': async ({ guest, upload, ...target }, context) => {
      await uploads.write(agents.of(guest), upload, target, context);
      await uploads.remove(upload);
      return {};
    },
  };
}

function withoutOutput({ out: _out, err: _err, ...ended }: Execution): Omit<Execution, 'out' | 'err'> {
  return ended;
}
