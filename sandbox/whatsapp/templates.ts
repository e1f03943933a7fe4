import { z } from 'zod';
import type { SandboxClock } from '../clock.ts';
import type { Append, JournalPart } from '../journal.ts';
import { firstTemplateId, standingTemplates } from './standing-templates.ts';
import { type Template, templateSchema } from './template.ts';

/** The account's templates. */
export interface Templates {
  readonly journal: JournalPart;
  /** In the order they were made. */
  all(): Template[];
  get(id: string): Template | undefined;
  find(name: string, language: string): Template | undefined;
  nextId(): string;
  put(template: Template): void;
  remove(template: Template): void;
  /** When this name was last deleted, milliseconds since the Unix epoch. */
  deletedAt(name: string): number | undefined;
}

const entrySchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('template'), template: templateSchema }),
  z.object({ kind: z.literal('deleted'), id: z.string(), name: z.string(), at: z.number() }),
]);

export function createTemplates(append: Append, clock: SandboxClock): Templates {
  const byId = new Map<string, Template>(standingTemplates().map((one) => [one.id, one]));
  const deleted = new Map<string, { readonly name: string; readonly at: number }>();

  const forget = (id: string, name: string, at: number): void => {
    byId.delete(id);
    deleted.set(id, { name, at });
  };

  return {
    all: () => [...byId.values()],
    get: (id) => byId.get(id),
    find: (name, language) => byId.values().find((one) => one.name === name && one.language === language),
    nextId: () => String(firstTemplateId + byId.size + deleted.size),
    put(template) {
      byId.set(template.id, template);
      append({ kind: 'template', template });
    },
    remove({ id, name }) {
      const at = clock.now();
      forget(id, name, at);
      append({ kind: 'deleted', id, name, at });
    },
    deletedAt(name) {
      const times = deleted.values().filter((one) => one.name === name);
      return times.reduce<number | undefined>((last, { at }) => Math.max(at, last ?? at), undefined);
    },
    journal: {
      name: 'templates',
      replay(line) {
        const entry = entrySchema.parse(line);
        if (entry.kind === 'template') byId.set(entry.template.id, entry.template);
        else forget(entry.id, entry.name, entry.at);
      },
      *snapshot() {
        for (const [id, { name, at }] of deleted) yield { kind: 'deleted', id, name, at };
        for (const template of byId.values()) yield { kind: 'template', template };
      },
    },
  };
}
