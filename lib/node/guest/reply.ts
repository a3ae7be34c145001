// What a guest agent sends, as far as it is the same for all commands.
import * as z from 'zod';
import { errorText, MerapiError } from '../../base/errors.ts';
import type { Json } from '../../base/json.ts';
import { parseJsonInSlices } from '../../base/json-slices.ts';

/** What the agent answered: a value, or an error with its class and words. */
export type AgentReply =
  | { readonly value: Json }
  | { readonly error: { readonly class: string; readonly desc: string } };

const Refusal = z.object({ error: z.object({ class: z.string(), desc: z.string() }) });
const Returned = z.object({ return: z.unknown() });
/** The limits of an answer; the table of commands has the limit of its length. */
const JSON_LIMITS = { depth: 32, values: 1_000_000 };

/** Whether a message answers guest-sync-delimited with this number. */
export function isSyncAnswer(message: Buffer, id: number): boolean {
  try {
    return (JSON.parse(message.toString('utf8')) as { return?: unknown } | null)?.return === id;
  } catch {
    return false;
  }
}

/** The reply in a message. @throws MerapiError guest_agent when it is no message of the protocol */
export async function replyOf(message: Buffer, name: string): Promise<AgentReply> {
  const wrong = (why: string) =>
    new MerapiError('guest_agent', `The guest agent's answer to ${name} is not one of the protocol: ${why}`);
  const value = await parseJsonInSlices(message.toString('utf8'), JSON_LIMITS).catch((error) => {
    throw wrong(errorText(error));
  });
  const refusal = Refusal.safeParse(value);
  if (refusal.success) return refusal.data;
  const returned = Returned.safeParse(value);
  if (returned.success && returned.data.return !== undefined) return { value: returned.data.return as Json };
  throw wrong('it has neither a return value nor an error with class and words');
}
