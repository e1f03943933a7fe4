import type { z } from 'zod';
import type { Refusal } from './graph-errors.ts';
import type { MediaKind } from './media-kinds.ts';
import type { Category } from './template.ts';

/** A medium a message points to: by our id, or where it lies. */
export interface MediumRef {
  readonly kind: MediaKind;
  readonly id?: string | undefined;
  readonly link?: string | undefined;
  readonly filename?: string | undefined;
}

/** What a person sees of a message beside its words. */
export interface Shown {
  readonly header?: string | undefined;
  readonly footer?: string | undefined;
  readonly buttons?:
    | readonly { readonly type: string; readonly text: string; readonly url?: string | undefined }[]
    | undefined;
  readonly medium?: MediumRef | undefined;
  readonly template?:
    { readonly name: string; readonly language: string; readonly category: Category } | undefined;
  readonly replyTo?: string | undefined;
  /** On another message; without an emoji it is taken back. */
  readonly reaction?: { readonly to: string; readonly emoji: string } | undefined;
}

/** Whether Meta takes a message, and what becomes visible of it. */
export type Judgement = { readonly refused: Refusal } | { readonly body: string; readonly shown: Shown };

export function refused(code: number, details: string): { readonly refused: Refusal } {
  return { refused: { code, details } };
}

/** Undefined: it fits. A parameter that is missing has a code of its own. */
export function misfit(
  content: z.ZodType,
  given: unknown,
  type: string,
): ReturnType<typeof refused> | undefined {
  const read = content.safeParse(given, { reportInput: true });
  if (read.success) return undefined;
  const [issue] = read.error.issues;
  const place = [type, ...(issue?.path.map(String) ?? [])].join('.');
  return issue?.input === undefined
    ? refused(131_008, `The parameter ${place} is required`)
    : refused(131_009, `${place}: ${issue?.message ?? 'not valid'}`);
}
