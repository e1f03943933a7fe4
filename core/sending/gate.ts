import { type OutboundContent, templateProblems, templateText } from '../whatsapp/index.ts';
import {
  type Asking,
  checks,
  isFirstToday,
  keptBack,
  nameOf,
  type Obstacle,
  refused,
  zoneOf,
} from './obstacles.ts';
import type { AskedMessage, Category, GateFacts, SendReason } from './asking.ts';
import { resolved } from './values.ts';
import { textOfContent } from './words.ts';

/**
 * Whether a message may leave now, and what leaves: decided anew each time from how things stand, so that nothing that was so
 * when it was asked for has to be taken back. docs/design.md §3.5. Times in milliseconds.
 */

/** `sync`: its template has to be looked for first. */
export type Decision =
  | {
      readonly outcome: 'go';
      readonly leaves: OutboundContent;
      readonly shown: string;
      readonly category: Category;
      /** It opens a conversation outside their window. */
      readonly outside: boolean;
    }
  | { readonly outcome: 'sync' }
  | {
      readonly outcome: 'held' | 'queued' | 'refused';
      readonly reason: SendReason;
      readonly explanation: string;
      readonly category: Category;
      /** When it is looked at again; of what is refused: never. */
      readonly dueAt: number | null;
      /** What would leave, where nothing else stood in the way. */
      readonly would?: { readonly leaves: OutboundContent; readonly shown: string };
    };

export function decide(asked: AskedMessage, facts: GateFacts): Decision {
  const { now, channel, person, gate, settings, template: known } = facts;
  const { content } = asked;
  if (content.type === 'template' && known === 'unknown') return { outcome: 'sync' };
  const template = typeof known === 'object' ? known.template : undefined;
  const category = content.type === 'template' ? (template?.category ?? 'marketing') : 'service';
  const windowOpen =
    (person.windowClosesAt ?? 0) > now && (person.lastInboundAt ?? 0) > (gate.windowDeniedAt ?? -1);
  const asking: Asking = { ...facts, asked, category, windowOpen };
  for (const check of checks) {
    const obstacle = check(asking);
    if (obstacle !== undefined) return { ...obstacle, dueAt: dueOf(obstacle, asked), category };
  }

  const leaves = resolved(content, person.fields, zoneOf(channel, settings));
  if (leaves.type === 'template' && template !== undefined) {
    const problems = templateProblems(template, leaves.template);
    if (problems.length > 0) {
      const list = problems.map(({ path, message }) => `${path}: ${message}`).join(' ');
      const explanation = `The values do not fit template ${nameOf(leaves.template)}. ${list}`;
      return { ...refused('values do not fit', explanation), dueAt: null, category };
    }
  }
  const shown =
    leaves.type === 'template' && template !== undefined
      ? templateText(template, leaves.template)
      : textOfContent(leaves);
  const would = { leaves, shown };
  const kept = keptBack(asking);
  if (kept !== undefined) return { ...kept, dueAt: null, category, would };
  const outside = !windowOpen && isFirstToday(asking);
  return { outcome: 'go', ...would, category, outside };
}

/** What waits is looked at when it may be over, and at its end. */
function dueOf({ outcome, until }: Obstacle, { expiresAt }: AskedMessage): number | null {
  return outcome === 'refused' ? null : Math.min(until, expiresAt);
}
