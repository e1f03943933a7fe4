import type { z } from 'zod';

/** What a value brought along from where it was copied; undefined: nothing. Says what to do, and never the value. */
export function pastedAlong(value: string): string | undefined {
  if (value.trim() === '') return 'is blank: give it a value, or leave it out';
  if (/^\s|\s$/.test(value)) return 'begins or ends with a blank or a line break: take that out';
  if (/\p{Cc}/u.test(value)) return 'holds a line break or another control character: give it in one line';
  if (/^(["'`]).*\1$/.test(value))
    return 'stands in quotes, which are taken as part of it here: leave them out';
  if (/^bearer\s/i.test(value)) return 'must be the token alone, without "Bearer" before it';
  return undefined;
}

/** The same for a schema. */
export function withoutPasted(value: string, context: z.RefinementCtx<string>): void {
  const message = pastedAlong(value);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
}
