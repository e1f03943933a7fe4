import { SangamError } from '@sangam/core/errors';
import { type SendAnswer, unavailableCode } from '@sangam/core/whatsapp';
import { z } from 'zod';
import type { GraphAnswer } from './graph-call.ts';
import { isSuccess } from './graph-call.ts';
import { graphErrorIn } from './graph-errors.ts';

/** What became of a send, whatever was answered. docs/vendors/whatsapp.md §3.3. */

const accepted = z.looseObject({
  messages: z.tuple(
    [z.looseObject({ id: z.string().min(1), message_status: z.string().optional() })],
    z.unknown(),
  ),
});

export function sendAnswer(answer: GraphAnswer, accessToken: string): SendAnswer {
  const read = accepted.safeParse(answer.body);
  if (isSuccess(answer) && read.success) {
    const [{ id, message_status: status }] = read.data.messages;
    return { outcome: 'accepted', wamid: id, held: status === 'held_for_quality_assessment' };
  }
  const error = graphErrorIn(answer, accessToken);
  if (error !== undefined) return { outcome: 'refused', error };
  return {
    outcome: 'unknown',
    why: `WhatsApp answered ${String(answer.status)} with something that is neither a message’s id nor an error of its own.`,
  };
}

/** Nothing was answered. */
export function unanswered(error: unknown): SendAnswer {
  if (!(error instanceof SangamError)) return { outcome: 'unknown', why: String(error) };
  if (error.code === 'token_refused')
    return { outcome: 'refused', error: { code: 190, details: error.message } };
  // Safe to make again: no byte of the request was written, so nobody can have taken the message in.
  if (error.code === 'not_connected') {
    return { outcome: 'refused', error: { code: unavailableCode, details: error.message } };
  }
  return { outcome: 'unknown', why: error.message };
}
