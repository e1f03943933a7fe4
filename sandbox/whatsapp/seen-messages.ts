import type { StoredMessage } from './conversations.ts';

/** A conversation as a person sees it: reactions stand on the message they belong to. */
export function seenMessages(messages: readonly StoredMessage[]): object[] {
  /** By message, by who reacted: the last one counts, and an empty one takes it back. */
  const reactions = new Map<string, Map<string, string>>();
  for (const { direction, shown } of messages) {
    if (shown?.reaction === undefined) continue;
    const { to, emoji } = shown.reaction;
    const on = reactions.get(to) ?? new Map<string, string>();
    reactions.set(to, on);
    if (emoji === '') on.delete(direction);
    else on.set(direction, emoji);
  }
  return messages
    .filter(({ shown }) => shown?.reaction === undefined)
    .map(({ wamid, direction, type, body, status, at, shown }) => ({
      wamid,
      direction,
      type,
      body,
      status,
      at: new Date(at).toISOString(),
      ...shown,
      ...reactionsOf(reactions.get(wamid)),
    }));
}

function reactionsOf(on: ReadonlyMap<string, string> | undefined): object {
  return on === undefined || on.size === 0 ? {} : { reactions: Object.fromEntries(on) };
}
