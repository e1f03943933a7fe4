import { z } from 'zod';
import { compact } from './compact.ts';
import type { Shown } from './judgement.ts';
import { mediaKinds } from './media-kinds.ts';
import type { MediaOperations } from './media-operations.ts';
import type { Media } from './media.ts';
import type { WhatsappRules } from './rules.ts';

const mediumContent = z.looseObject({
  id: z.string(),
  mime_type: z.string().optional(),
  filename: z.string().optional(),
});
const reactionContent = z.looseObject({ message_id: z.string(), emoji: z.string().default('') });
const contextContent = z.looseObject({ id: z.string() });

/**
 * What Meta adds to a customer's message with a medium that was put into the sandbox: type, hash and where it is.
 * docs/vendors/whatsapp.md §1.6. A medium nobody put there stays as it was written.
 */
export function withMedium(
  type: string,
  message: Readonly<Record<string, unknown>>,
  options: {
    media: Media;
    operations: MediaOperations;
    rules: WhatsappRules;
    host: string | undefined;
  },
): Readonly<Record<string, unknown>> {
  const { media, operations, rules, host } = options;
  const content = mediumContent.safeParse(message[type]).data;
  const medium = content === undefined ? undefined : media.get(content.id);
  if (content === undefined || medium === undefined) return message;
  const hash = Buffer.from(medium.sha256, 'hex');
  return {
    ...message,
    [type]: compact({
      mime_type: medium.mimeType,
      sha256: hash.toString(rules.inboundHashAs),
      url: rules.inboundMediaUrl ? operations.urlOf(medium.id, host) : undefined,
      ...content,
    }),
  };
}

/** What a person sees of their own message beside its words. */
export function shownOfInbound(type: string, message: Readonly<Record<string, unknown>>): Shown | undefined {
  const reaction = type === 'reaction' ? reactionContent.safeParse(message[type]).data : undefined;
  const kind = mediaKinds.find((one) => one === type);
  const medium = kind === undefined ? undefined : mediumContent.safeParse(message[type]).data;
  const replyTo = contextContent.safeParse(message['context']).data?.id;
  const shown: Shown = compact({
    reaction: reaction === undefined ? undefined : { to: reaction.message_id, emoji: reaction.emoji },
    medium:
      kind === undefined || medium === undefined
        ? undefined
        : compact({ kind, id: medium.id, filename: medium.filename }),
    replyTo,
  });
  return Object.keys(shown).length === 0 ? undefined : shown;
}
