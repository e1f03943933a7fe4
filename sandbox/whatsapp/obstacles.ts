import type { SandboxClock } from '../clock.ts';
import type { Conversations } from './conversations.ts';
import type { Refusal } from './graph-errors.ts';
import type { Shown } from './judgement.ts';
import { kindOf } from './media-kinds.ts';
import type { Media } from './media.ts';
import type { Person } from './people.ts';
import type { WhatsappRules } from './rules.ts';
import type { SendingLimits } from './sending-limits.ts';
import { sampleHost } from './standing-templates.ts';

/** Why a well-formed message does not reach a person. */
interface Obstacle {
  readonly refusal: Refusal;
  /** Said in the answer, or by a status. */
  readonly told: 'at once' | 'by status';
}

/** What stands between a message and a person at this moment. docs/vendors/whatsapp.md §3.6, §3.7. */
export function createObstacles(options: {
  clock: SandboxClock;
  rules: () => WhatsappRules;
  conversations: Conversations;
  media: Media;
  limits: SendingLimits;
}): (to: Person, shown: Shown) => Obstacle | undefined {
  const { clock, rules, conversations, media, limits } = options;

  /** A medium nobody can send: unknown, expired, of another kind, or a template's sample. */
  const badMedium = ({ medium }: Shown): Refusal | undefined => {
    if (medium === undefined) return undefined;
    const { id = '', link, kind } = medium;
    if (link !== undefined)
      return new URL(link).hostname.endsWith(sampleHost)
        ? { code: 131_053, details: 'A sample of a template cannot be sent.' }
        : undefined;
    const known = media.get(id);
    if (known === undefined)
      return { code: 131_053, details: `There is no medium ${id}, or it has expired.` };
    return kind === 'document' || kindOf(known.mimeType) === kind
      ? undefined
      : { code: 131_053, details: `${known.mimeType} is no ${kind}.` };
  };

  return (to, shown) => {
    const now = clock.now();
    const { template } = shown;
    const windowOpen = conversations.isWindowOpen(to, now);
    const medium = badMedium(shown);
    if (medium !== undefined) return { told: rules().badMediumTold, refusal: medium };
    if (to.onWhatsapp === false)
      return {
        told: rules().undeliverableTold,
        refusal: { code: 131_026, details: 'Message undeliverable.' },
      };
    if (template?.category === 'MARKETING' && to.stopsMarketing === true)
      return {
        told: rules().stoppedTold,
        refusal: { code: 131_050, details: 'The user opted out of marketing messages from this business.' },
      };
    const takesFreeForm =
      windowOpen || (rules().freeEntryTakesFreeForm && conversations.freeEntryUntil(to, now) !== undefined);
    if (template === undefined && !takesFreeForm)
      return {
        told: rules().windowClosedTold,
        refusal: {
          code: 131_047,
          details: 'More than 24 hours have passed since the customer last replied to this number.',
        },
      };
    const portfolio = windowOpen ? undefined : limits.portfolio(to.phone ?? to.userId ?? '');
    return portfolio === undefined ? undefined : { told: rules().portfolioLimitTold, refusal: portfolio };
  };
}
