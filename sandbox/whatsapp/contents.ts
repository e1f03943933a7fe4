import { z } from 'zod';
import { interactiveJudgement } from './interactive.ts';
import { type Judgement, misfit, refused } from './judgement.ts';
import { type MediaKind, mediaKinds } from './media-kinds.ts';
import type { WhatsappRules } from './rules.ts';

/** What may be sent beside templates, and its limits. docs/vendors/whatsapp.md §3.2; codes and wording from memory. */

const text = z.looseObject({ body: z.string(), preview_url: z.boolean().optional() });

const medium = z
  .looseObject({
    id: z.string().optional(),
    link: z.httpUrl().optional(),
    caption: z.string().max(1_024).optional(),
    filename: z.string().optional(),
  })
  .refine(({ id, link }) => (id === undefined) !== (link === undefined), 'either id or link');

const coordinate = z.union([z.number(), z.string().regex(/^-?\d+(\.\d+)?$/)]);
const location = z.looseObject({
  latitude: coordinate,
  longitude: coordinate,
  name: z.string().optional(),
  address: z.string().optional(),
});

const contacts = z
  .array(
    z.looseObject({
      name: z.looseObject({ formatted_name: z.string().min(1) }),
      phones: z
        .array(z.looseObject({ phone: z.string().optional(), wa_id: z.string().optional() }))
        .optional(),
    }),
  )
  .min(1);

/** Without an emoji it is taken back. */
const reaction = z.looseObject({ message_id: z.string(), emoji: z.string() });

export function contentJudgement(type: string, content: unknown, rules: WhatsappRules): Judgement {
  switch (type) {
    case 'text': {
      const wrong = misfit(text, content, type);
      if (wrong !== undefined) return wrong;
      const { body } = text.parse(content);
      if (body.trim() === '') return refused(131_008, 'The parameter text.body is required');
      if (body.length > rules.textMax)
        return refused(100, `Param text['body'] must be at most ${String(rules.textMax)} characters long.`);
      return { body, shown: {} };
    }
    case 'location': {
      const wrong = misfit(location, content, type);
      if (wrong !== undefined) return wrong;
      const { name, address, latitude, longitude } = location.parse(content);
      const words = [name, address].filter((word) => word !== undefined && word !== '');
      return {
        body: words.length > 0 ? words.join(', ') : `${String(latitude)}, ${String(longitude)}`,
        shown: {},
      };
    }
    case 'contacts': {
      const wrong = misfit(contacts, content, type);
      if (wrong !== undefined) return wrong;
      return {
        body: contacts
          .parse(content)
          .map(({ name }) => name.formatted_name)
          .join(', '),
        shown: {},
      };
    }
    case 'reaction': {
      const wrong = misfit(reaction, content, type);
      if (wrong !== undefined) return wrong;
      const { message_id: to, emoji } = reaction.parse(content);
      return { body: emoji, shown: { reaction: { to, emoji } } };
    }
    case 'interactive':
      return interactiveJudgement(content, rules);
    default: {
      const kind = mediaKinds.find((one) => one === type);
      return kind === undefined
        ? refused(131_051, `${type} is not supported`)
        : mediumJudgement(kind, content);
    }
  }
}

function mediumJudgement(kind: MediaKind, content: unknown): Judgement {
  const wrong = misfit(medium, content, kind);
  if (wrong !== undefined) return wrong;
  const { id, link, caption, filename } = medium.parse(content);
  if (caption !== undefined && (kind === 'audio' || kind === 'sticker'))
    return refused(131_009, `${kind} has no caption`);
  return { body: caption ?? filename ?? '', shown: { medium: { kind, id, link, filename } } };
}
