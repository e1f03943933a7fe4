import {
  contactJoins,
  type ContactJoins,
  conversationJoins,
  type ConversationJoins,
  mergeContactJoins,
  mergeConversationJoins,
  type MessageFact,
  nameJoins,
} from '../../conversation/index.ts';
import {
  contentsOf,
  type ContactRow,
  type ConversationRow,
  namingsOf,
  overwriteContacts,
  overwriteConversations,
  type WorkspaceTransaction,
} from '../../store/index.ts';
import { readMessageFact, stampKey } from './read-event.ts';

/** Joins of contacts and conversations, gathered message by message. */
export class Folding {
  readonly #contacts = new Map<string, ContactJoins>();
  readonly #conversations = new Map<string, ConversationRow>();

  add(contactId: string, origin: string, fact: MessageFact): void {
    this.#contacts.set(contactId, mergeContactJoins(this.#contacts.get(contactId) ?? {}, contactJoins(fact)));
    if (origin === 'history' || fact.silent) return;
    const name = `${contactId}|${fact.channelId}`;
    const joins: ConversationJoins = this.#conversations.get(name)?.joins ?? {};
    this.#conversations.set(name, {
      contactId,
      channelId: fact.channelId,
      joins: mergeConversationJoins(joins, conversationJoins(fact)),
    });
  }

  addNaming(contactId: string, told: Parameters<typeof nameJoins>[0]): void {
    this.#contacts.set(contactId, mergeContactJoins(this.#contacts.get(contactId) ?? {}, nameJoins(told)));
  }

  joinsOf(contactId: string): ContactJoins {
    return this.#contacts.get(contactId) ?? {};
  }

  /** In key order, as every writer of these rows goes. */
  contacts(): ContactRow[] {
    return [...this.#contacts]
      .map(([contactId, joins]) => ({ contactId, joins }))
      .toSorted((x, y) => (x.contactId < y.contactId ? -1 : 1));
  }

  conversations(): ConversationRow[] {
    return [...this.#conversations].toSorted(([x], [y]) => (x < y ? -1 : 1)).map(([, row]) => row);
  }
}

/** Computes contacts anew from everything stored of them. */
export async function refoldContacts(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
): Promise<void> {
  if (contactIds.length === 0) return;
  const folding = new Folding();
  for (const stored of await contentsOf(trx, contactIds)) {
    const fact = readMessageFact(stored.content, stored);
    if (fact !== undefined) folding.add(stored.contactId, stored.origin, fact);
  }
  for (const { contactId, at, profileName, username, ...stored } of await namingsOf(trx, contactIds)) {
    folding.addNaming(contactId, {
      at,
      key: stampKey(stored),
      ...(profileName === null ? {} : { profileName }),
      ...(username === null ? {} : { username }),
    });
  }
  await overwriteContacts(
    trx,
    contactIds.map((contactId) => ({ contactId, joins: folding.joinsOf(contactId) })),
  );
  await overwriteConversations(trx, contactIds, folding.conversations());
}
