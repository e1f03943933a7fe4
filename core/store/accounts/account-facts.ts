import { isDeepStrictEqual } from 'node:util';
import { sql } from 'kysely';
import type { AccountFacts } from '../../crm/index.ts';
import { toJson } from '../json.ts';
import type { WorkspaceTransaction } from '../transaction.ts';
import { type ConnectionRow, factsIn } from './connections.ts';

/** Adds to what is known of an account; what is known of it now. Undefined: there is no such connection. */
export async function saveFacts(
  trx: WorkspaceTransaction,
  connectionId: string,
  learned: Partial<AccountFacts>,
): Promise<Pick<ConnectionRow, 'facts' | 'factsVersion'> | undefined> {
  const { rows } = await sql<{ facts: Buffer | null; factsVersion: number }>`
    select account_facts as facts, facts_version as "factsVersion" from crm_connections
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} for update`.execute(trx);
  const [row] = rows;
  if (row === undefined) return undefined;
  const before = factsIn(row.facts);
  const facts = { ...before, ...learned };
  if (isDeepStrictEqual(facts, before)) return { facts, factsVersion: row.factsVersion };
  const factsVersion = row.factsVersion + 1;
  await sql`
    update crm_connections set account_facts = ${toJson(facts)}, facts_version = ${factsVersion}
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}`.execute(trx);
  return { facts, factsVersion };
}
