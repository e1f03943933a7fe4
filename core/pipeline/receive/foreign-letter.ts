import { z } from 'zod';
import { optWords } from '../../consent/index.ts';
import { lettersInDoubt, noteOptOuts, type WorkspaceTransaction } from '../../store/index.ts';
import { stopOf, type WebhookEvent } from '../../whatsapp/index.ts';

/** An event of a channel its signer does not own, as its dead letter `foreign channel` holds it. */

/** To which every channel listens, one nobody has connected yet as well. */
const reviewedWords = optWords([]);

/** The event whole: its slice alone would not tell its key. */
const foreignEvent = z.custom<WebhookEvent>(
  (value) =>
    z.object({ key: z.string(), lane: z.number(), slice: z.looseObject({}) }).safeParse(value).success,
);

/** Undefined: there is none in it that can be read. */
export function foreignEventOf(payload: Buffer | null): WebhookEvent | undefined {
  const read = foreignEvent.safeParse(parseJson(payload));
  return read.success ? read.data : undefined;
}

/** Whether somebody opted out by it, on whatever channel. */
export function isOptOut(event: WebhookEvent): boolean {
  return stopOf(event, reviewedWords) !== undefined;
}

/** Looks which letters of earlier versions are an opt-out; what cannot be read is kept as if it were. True: there may be more. */
export async function settleOptOuts(trx: WorkspaceTransaction): Promise<boolean> {
  const letters = await lettersInDoubt(trx);
  await noteOptOuts(
    trx,
    letters.map(({ deadLetterId, payload }) => {
      const event = foreignEventOf(payload);
      return { deadLetterId, optOut: event === undefined || isOptOut(event) };
    }),
  );
  return letters.length > 0;
}

function parseJson(payload: Buffer | null): unknown {
  try {
    return JSON.parse(payload?.toString('utf8') ?? '');
  } catch {
    return undefined;
  }
}
