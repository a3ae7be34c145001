import { constants } from 'node:fs';
import { access, writeFile } from 'node:fs/promises';
import { MerapiError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Hypervisors } from './hypervisors/registry.ts';

/** The host's power switch. */
export interface Power {
  /**
   * Reboots the host without shutting anything down, a few seconds after it returned; returns a message for the user.
   * @throws MerapiError wrong_state when this worker may not reboot its host, environment_error when it lacks the permission
   */
  cycle(): Promise<string>;
}

/** Seconds between the answer and the reboot, so that the answer reaches the master and the outcome of the call is durable. */
const NOTICE = 5;
/** The kernel's magic SysRq file. */
const SYSRQ = '/proc/sysrq-trigger';

/** Power of a node whose guests are all simulated: the guests end at once, and the host is not touched. Returns a real host's message. */
export function simulatedPower(hypervisors: Hypervisors): Power {
  return {
    async cycle() {
      for (const driver of hypervisors.all()) await driver.powerCut?.();
      return messageOf(NOTICE);
    },
  };
}

/** Ganeti's message, word for word. */
const messageOf = (seconds: number) => `Reboot scheduled in ${seconds} seconds`;

export interface HostPowerOptions {
  /** Whether the worker's settings allow it to reboot its host. */
  allowed: boolean;
  log: Logger;
  /** The SysRq file; only tests pass another one. */
  trigger?: string;
  /** Seconds until the reboot. */
  notice?: number;
}

/** Power of a real host: the kernel reboots it at once, without stopping any program. */
export function hostPower({ allowed, log, trigger = SYSRQ, notice = NOTICE }: HostPowerOptions): Power {
  return {
    async cycle() {
      if (!allowed)
        throw new MerapiError(
          'wrong_state',
          'The worker of this node may not reboot its host; set "powercycle": true in its node.json and restart the worker',
        );
      await access(trigger, constants.W_OK).catch((cause) => {
        throw new MerapiError('environment_error', `The worker cannot write to ${trigger}`, { cause });
      });
      log.warn(`the host reboots in ${notice} seconds, as the master requested`);
      setTimeout(() => {
        reboot(trigger).catch((error) => log.error({ err: error }, 'cannot reboot the host'));
      }, notice * 1000).unref();
      return messageOf(notice);
    },
  };
}

/** SysRq `s` starts writing cached data to the disks, without waiting for the end; `b` reboots. */
async function reboot(trigger: string): Promise<void> {
  for (const command of ['s', 'b']) await writeFile(trigger, command);
}
