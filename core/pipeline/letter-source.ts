import type { LetterSource } from '../store/index.ts';

/** Where an event came from, as it waits in the inbox: what came in on no channel says so itself. */
export function sourceOf(event: {
  readonly channelId: string | null;
  readonly payload: Buffer;
}): LetterSource {
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
