import { z } from 'zod';

const text = z.string().optional().catch(undefined);
const titled = z.looseObject({ title: text }).optional().catch(undefined);

const wordy = z.looseObject({
  body: z
    .union([z.string(), z.looseObject({ text: z.string() }).transform((body) => body.text)])
    .optional()
    .catch(undefined),
  caption: text,
  text,
  name: text,
  emoji: text,
  button_reply: titled,
  list_reply: titled,
});

/** The words of a message a person reads; '' where there are none. `message` holds its content under its type. */
export function wordsOf(type: string, message: Readonly<Record<string, unknown>>): string {
  const read = wordy.safeParse(message[type]);
  if (!read.success) return '';
  const { body, caption, text: label, button_reply: button, list_reply: row, emoji, name } = read.data;
  return body ?? caption ?? label ?? button?.title ?? row?.title ?? emoji ?? name ?? '';
}
