import { constants } from 'node:fs';
import { access, writeFile } from 'node:fs/promises';
import { MerapiError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Hypervisors } from './hypervisors/registry.ts';

/** The host's power switch. */
export interface Power {
  /** Cuts the power and gives it back; says what will happen. @throws MerapiError wrong_state when this worker may not */
  cycle(): Promise<string>;
}

/** Seconds between the answer and the reboot, so that the answer gets through and is on disk. */
const NOTICE = 5;
const SYSRQ = '/proc/sysrq-trigger';

/** The power of a node whose guests are all simulated: they end immediately, and the host keeps running. The message is that of a real host. */
export function simulatedPower(hypervisors: Hypervisors): Power {
  return {
    async cycle() {
      for (const driver of hypervisors.all()) await driver.powerCut?.();
      return messageOf(NOTICE);
    },
  };
}

const messageOf = (seconds: number) => `Reboot scheduled in ${seconds} seconds`;

export interface HostPowerOptions {
  /** Whether the worker's settings allow it to reboot its host. */
  allowed: boolean;
  log: Logger;
  /** The kernel's file that takes commands; only tests name another one. */
  trigger?: string;
  /** Seconds until the reboot. */
  notice?: number;
}

/** The power of a real host: the kernel reboots it without asking any program. */
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
      log.warn(`the host is rebooted in ${notice} seconds, as it was ordered`);
      setTimeout(() => {
        reboot(trigger).catch((error) => log.error({ err: error }, 'cannot reboot the host'));
      }, notice * 1000).unref();
      return messageOf(notice);
    },
  };
}

/** Has the kernel write out cached data first, without waiting for it. */
async function reboot(trigger: string): Promise<void> {
  for (const command of ['s', 'b']) await writeFile(trigger, command);
}
