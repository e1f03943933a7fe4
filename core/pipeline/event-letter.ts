import type { DeadLetter, IntakeEvent, LetterSource } from '../store/index.ts';

/** The dead letter of an event that could not be stored or applied. */
export function letterOf(event: IntakeEvent, why: { reason: string; explanation: string }): DeadLetter {
  return {
    reason: why.reason,
    explanation: why.explanation,
    source: sourceOf(event),
    lane: event.lane,
    eventKey: event.eventKey,
    contentHash: event.contentHash,
    ...(event.channelId === null ? {} : { channelId: event.channelId }),
    payload: event.payload,
    receivedAt: event.receivedAt,
  };
}

/** Where an event came from, as it waits in the inbox: what came in on no channel says so itself. */
function sourceOf(event: IntakeEvent): LetterSource {
  if (event.channelId !== null) return 'whatsapp';
  switch (fieldOf(event.payload)) {
    case 'crm':
      return 'crm';
    case 'sangam':
      return 'us';
    default:
      return 'whatsapp';
  }
}

function fieldOf(payload: Buffer): unknown {
  try {
    const event: unknown = JSON.parse(payload.toString('utf8'));
    return typeof event === 'object' && event !== null && 'field' in event ? event.field : undefined;
  } catch {
    return undefined;
  }
}
