import type { Identities } from '@sangam/core/identity';
import { parseSlice, type ParsedEvent, type Unreadable, type WebhookEvent } from '@sangam/core/whatsapp';

/** One line that says what an event came to: kind, key, who, and what it holds. */
export function describeEvent(event: WebhookEvent): string {
  const parsed = parseSlice(event.slice);
  return [headOf(parsed), shortened(event.key), ...whoIn(parsed), ...contentOf(parsed)].join(' | ');
}

function headOf(parsed: ParsedEvent | Unreadable): string {
  switch (parsed.kind) {
    case 'unreadable':
      return `unreadable ${parsed.reason}`;
    case 'kept':
      return `kept ${parsed.what}`;
    case 'status':
      return `status ${parsed.status}`;
    case 'preference':
      return `preference ${parsed.value}`;
    case 'identity_change':
      return 'identity_change';
    case 'echo':
      return `echo of ${parsed.origin}: ${parsed.type}`;
    case 'history':
      return `history ${parsed.direction}: ${parsed.type}`;
    case 'message':
      return `${parsed.standby ? 'standby ' : ''}message: ${parsed.type}`;
  }
}

function whoIn(parsed: ParsedEvent | Unreadable): string[] {
  if (parsed.kind === 'unreadable' || parsed.kind === 'kept') return [];
  const { phone, bsuid, parentBsuid, username } = parsed.identities;
  const who = [phone, bsuid, parentBsuid, username === undefined ? undefined : `@${username}`]
    .filter(Boolean)
    .join(' ');
  if (parsed.kind !== 'identity_change') return [who];
  const shown = ({ phone, bsuid, parentBsuid }: Identities): string =>
    [phone, bsuid, parentBsuid].filter(Boolean).join(' ');
  const beside = shown(parsed.beside ?? {});
  return [`from ${shown(parsed.before)}`, `to ${who}`, ...(beside === '' ? [] : [`beside ${beside}`])];
}

function contentOf(parsed: ParsedEvent | Unreadable): string[] {
  if (parsed.kind === 'unreadable' || parsed.kind === 'kept') return [];
  const parts = [parsed.at === undefined ? 'no time' : ''];
  if (parsed.kind === 'status') {
    const { pricing, errors, opaque } = parsed;
    parts.push(
      pricing === undefined
        ? ''
        : `priced ${[pricing.model, pricing.category, pricing.type].filter(Boolean).join(' ')}`,
    );
    parts.push(
      ...errors.map(({ code }) => `error ${String(code)}`),
      opaque === undefined ? '' : `opaque ${opaque}`,
    );
  }
  if (parsed.kind === 'preference' && parsed.signupId !== undefined) parts.push(`signup ${parsed.signupId}`);
  if (parsed.kind === 'message' && parsed.profileName !== undefined)
    parts.push(`named ${parsed.profileName}`);
  if (parsed.kind === 'message' || parsed.kind === 'echo' || parsed.kind === 'history') {
    parts.push(
      parsed.text === undefined ? '' : `says ${parsed.text.slice(0, 40)}`,
      parsed.buttonPayload === undefined ? '' : `payload ${parsed.buttonPayload}`,
      parsed.replyTo === undefined ? '' : `answers ${shortened(parsed.replyTo)}`,
      parsed.reaction === undefined
        ? ''
        : `reacts ${parsed.reaction.emoji ?? '(taken back)'} to ${shortened(parsed.reaction.to)}`,
      parsed.media === undefined ? '' : `media ${parsed.media.mimeType ?? '?'}`,
      parsed.flowAnswer === undefined
        ? ''
        : `flow ${parsed.flowAnswer.flowToken === undefined ? 'without' : 'with'} token`,
      parsed.referral === undefined
        ? ''
        : `from ${parsed.referral.sourceType ?? '?'} ${parsed.referral.ctwaClid === undefined ? 'without' : 'with'} click id`,
      parsed.edits === undefined ? '' : `edits ${shortened(parsed.edits)}`,
      parsed.revokes === undefined ? '' : `revokes ${shortened(parsed.revokes)}`,
      ...(parsed.errors ?? []).map(({ code }) => `error ${String(code)}`),
    );
  }
  return parts.filter((part) => part !== '');
}

function shortened(id: string): string {
  return id.length <= 40 ? id : `${id.slice(0, 24)}…${id.slice(-8)}`;
}
