import type { CrmRequest, SessionProof } from '../shared/crm.ts';

/** `hubspot.fetch` carries no larger body. docs/vendors/hubspot.md §2.1. */
export const mostSessionBytes = 1_048_576;

/**
 * Who asks through `hubspot.fetch`: HubSpot adds them to the query and signs it. The record is not among it.
 * docs/vendors/hubspot.md §2.1.
 */
export function readSession({ url }: CrmRequest): SessionProof | undefined {
  const query = new URL(url).searchParams;
  const [account, id] = [only(query, 'portalId'), only(query, 'userId')];
  if (account === undefined || id === undefined) return undefined;
  const email = only(query, 'userEmail');
  return { account, user: { id, ...(email === undefined ? {} : { email }) } };
}

/** What a card put there itself beside HubSpot's own would say it twice. */
function only(query: URLSearchParams, name: string): string | undefined {
  const [value, ...more] = query.getAll(name);
  return value === '' || more.length > 0 ? undefined : value;
}
