import type { StoredContent } from '../../store/index.ts';
import { parseSlice, type WebhookSlice } from '../../whatsapp/index.ts';

/** The latest answer to each question of a WhatsApp Flow, by contact and the question's name. */
export function flowAnswersOf(
  contents: readonly Pick<StoredContent, 'contactId' | 'at' | 'eventKey' | 'content'>[],
): Map<string, Record<string, string>> {
  const byContact = new Map<string, Record<string, string>>();
  const inOrder = contents.toSorted((x, y) => x.at - y.at || x.eventKey.compare(y.eventKey));
  for (const { contactId, content } of inOrder) {
    const parsed = parseSlice(JSON.parse(content.toString('utf8')) as WebhookSlice);
    const answers = parsed.kind === 'message' ? parsed.flowAnswer?.answers : undefined;
    if (typeof answers !== 'object' || answers === null || Array.isArray(answers)) continue;
    const known = byContact.get(contactId) ?? {};
    for (const [question, answer] of Object.entries(answers)) known[question] = written(answer);
    byContact.set(contactId, known);
  }
  return byContact;
}

/** A choice of several is a list of its parts; whatever else is no text stands as its JSON. */
function written(answer: unknown): string {
  if (typeof answer === 'string') return answer;
  if (typeof answer === 'number' || typeof answer === 'boolean') return String(answer);
  if (Array.isArray(answer)) return answer.map(written).join(', ');
  return answer === null || answer === undefined ? '' : JSON.stringify(answer);
}
