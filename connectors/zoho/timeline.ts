import type { Timeline } from '@sangam/core/crm';
import type { ZohoAccount } from './account.ts';
import { conversationRows } from './conversation-rows.ts';
import { type EntryStore, inNotes } from './entry-store.ts';
import { notes } from './notes.ts';

/** A record's conversations. Which store keeps them was found out by `provision`, and is a fact of the account. */
export function createTimeline(account: ZohoAccount): Timeline {
  const store = (): EntryStore => {
    const { timelineIn = inNotes } = account.facts.now();
    return timelineIn === inNotes ? notes(account) : conversationRows(account, timelineIn);
  };
  return {
    write: async (writes, priority) => (writes.length === 0 ? [] : store().write(writes, priority)),
    find: async (recordIds, priority) => (recordIds.length === 0 ? [] : store().find(recordIds, priority)),
    async remove(entryIds, priority) {
      if (entryIds.length > 0) await store().remove(entryIds, priority);
    },
  };
}
