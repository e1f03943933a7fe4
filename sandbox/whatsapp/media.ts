import { createHash, randomInt } from 'node:crypto';
import { z } from 'zod';
import type { SandboxClock } from '../clock.ts';
import type { Append, JournalPart } from '../journal.ts';
import type { MediaBytes } from './media-bytes.ts';
import type { WhatsappRules } from './rules.ts';

const mediumSchema = z.object({
  id: z.string(),
  mimeType: z.string(),
  /** Hex. */
  sha256: z.string(),
  size: z.number(),
  /** Milliseconds since the Unix epoch. */
  at: z.number(),
  /** Who put it there: the business, or a customer. */
  by: z.enum(['business', 'customer']),
});

type Medium = z.output<typeof mediumSchema>;

/** Media that can be sent or read. */
export interface Media {
  readonly journal: JournalPart;
  put(by: Medium['by'], mimeType: string, bytes: Buffer): Medium;
  /** Undefined also of what has expired. */
  get(id: string): Medium | undefined;
  bytesOf(id: string): Buffer | undefined;
  remove(id: string): void;
  /** The journal is read. */
  start(): void;
}

const dayMs = 86_400_000;

const entrySchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('medium'), medium: mediumSchema }),
  z.object({ kind: z.literal('removed'), id: z.string() }),
]);

export function createMedia(options: {
  append: Append;
  clock: SandboxClock;
  rules: () => WhatsappRules;
  bytes: MediaBytes;
}): Media {
  const { append, clock, rules, bytes: kept } = options;
  const known = new Map<string, Medium>();
  return {
    put(by, mimeType, bytes) {
      const id = `${String(randomInt(1e6, 1e7))}${String(randomInt(1e8, 1e9))}`;
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const medium: Medium = { id, mimeType, sha256, size: bytes.length, at: clock.now(), by };
      kept.save(id, bytes);
      known.set(id, medium);
      append({ kind: 'medium', medium });
      return medium;
    },
    get(id) {
      const medium = known.get(id);
      if (medium === undefined) return undefined;
      const days = medium.by === 'business' ? rules().uploadDays : rules().inboundMediaDays;
      return clock.now() - medium.at < days * dayMs ? medium : undefined;
    },
    bytesOf: (id) => kept.read(id),
    remove(id) {
      known.delete(id);
      kept.remove(id);
      append({ kind: 'removed', id });
    },
    start: () => kept.keepOnly(new Set(known.keys())),
    journal: {
      name: 'media',
      replay(line) {
        const entry = entrySchema.parse(line);
        if (entry.kind === 'medium') known.set(entry.medium.id, entry.medium);
        else known.delete(entry.id);
      },
      *snapshot() {
        for (const medium of known.values()) yield { kind: 'medium', medium };
      },
    },
  };
}
