import * as z from 'zod';
import { type Kind, shared } from '../../model/params.ts';

/** The parameters that name the instance whose guest is asked. */
export const guestTarget = { instance_name: shared.instanceName, instance_uuid: shared.instanceUuid };

/**
 * The locks of an opcode for a guest agent: none, since it changes nothing of the cluster. A program may run in a guest for hours, and
 * the instance can be shut down or changed meanwhile.
 */
export const noLocks = () => [];

/** A kind of values that Ganeti has no notation for. */
export const kindOf = <S extends z.ZodType>(
  type: string,
  schema: S,
  more: { words?: string; example?: unknown } = {},
): Kind<S> => ({ type, schema, ...more });

/** The most seconds for which file systems may stay frozen, and for which a program is waited for. */
export const LONGEST_FREEZE = 3600;
export const LONGEST_WAIT = 24 * 3600;

/** Seconds up to a limit. */
export const secondsUpTo = (most: number) =>
  kindOf('PositiveInteger', z.number().int().min(1).max(most), {
    words: `a whole number of seconds from 1 to ${most}`,
    example: 60,
  });
