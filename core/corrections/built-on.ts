import {
  decisionsAfter,
  findContacts,
  type Founding,
  identitiesOf,
  type WorkspaceTransaction,
} from '../store/index.ts';
import { lookUpIn } from '../pipeline/index.ts';
import type { DecidedEvidence } from '../pipeline/index.ts';
import { anchorOfId } from '../pipeline/index.ts';
import { readDecision } from '../pipeline/index.ts';

/**
 * Whether a later decision that stands is about the links of the same contact: links that were changed, or that several
 * contacts brought when they were joined. Joins themselves are undone in any order.
 */
export async function isBuiltOn(
  trx: WorkspaceTransaction,
  decisionId: string,
  subject: unknown,
): Promise<boolean> {
  const [about, ...later] = await concernsOf(trx, [
    subject,
    ...(await decisionsAfter(trx, decisionId)).map((decision) => decision.subject),
  ]);
  if (about === undefined) return false;
  return later.some((other) => {
    if (other?.contactId !== about.contactId) return false;
    if (about.connectionId === undefined || other.connectionId === undefined)
      return about.connectionId !== other.connectionId;
    return about.connectionId === other.connectionId;
  });
}

interface Concern {
  readonly contactId: string;
  /** Undefined: all connections. */
  readonly connectionId: string | undefined;
}

/** Whose links decisions are about: of a join that has taken effect those of the one person. */
async function concernsOf(
  trx: WorkspaceTransaction,
  subjects: readonly unknown[],
): Promise<(Concern | undefined)[]> {
  const decisions = subjects.map((subject) => readDecision(subject));
  const joins = (evidence: readonly DecidedEvidence[]) =>
    evidence.flatMap((item) =>
      item.kind === 'joined'
        ? [
            [
              { value: item.a, at: item.aAt },
              { value: item.b, at: item.bAt },
            ] as const,
          ]
        : [],
    );
  const livesOn = await findContacts(
    trx,
    decisions.flatMap(({ links }) => links?.contactId ?? []),
  );
  const known = await identitiesOf(
    trx,
    decisions.flatMap(({ evidence }) => joins(evidence).flatMap((ends) => ends.map(({ value }) => value))),
  );
  const lookUp = lookUpIn(known);
  const holderOf = (end: Founding): string | null => lookUp(anchorOfId(end));
  return decisions.map(({ links, evidence }) => {
    if (links !== undefined) {
      const contactId = livesOn.get(links.contactId);
      return contactId === undefined ? undefined : { contactId, connectionId: links.connectionId };
    }
    const [contactId] = joins(evidence).flatMap(([a, b]) => {
      const holder = holderOf(a);
      return holder !== null && holder === holderOf(b) ? [holder] : [];
    });
    return contactId === undefined ? undefined : { contactId, connectionId: undefined };
  });
}
