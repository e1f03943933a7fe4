import type {
  AgreedRecord,
  Creation,
  DeadLetter,
  DirtyRecord,
  LinkReason,
  LinkRow,
  Occurrence,
  openConflicts,
  ReturnedMark,
  SeenRecord,
} from '../../store/index.ts';
import type { TargetPlan } from './plan-target.ts';

export type BatchOutcome = 'created' | 'updated' | 'unchanged' | 'refused' | 'left alone';

/** Several things found, in lists. */
interface Lists {
  readonly held: readonly DirtyRecord[];
  readonly agreed: readonly AgreedRecord[];
  readonly seen: readonly SeenRecord[];
  /** Records that creates of people erased since turned out to have made, nobody having answered. */
  readonly bornOfErased: readonly Pick<SeenRecord, 'recordId' | 'keyContactId'>[];
  /** Records made whose answer did not tell all that is followed. */
  readonly unseen: readonly string[];
  /** What people changed, as reading showed. */
  readonly noticed: readonly Occurrence[];
  /** Records the vendor had said were deleted, and that are there. */
  readonly standing: readonly string[];
  readonly gone: readonly {
    readonly recordId: string;
    readonly how: 'deleted' | 'merged';
    readonly at: number;
    readonly movedTo?: string;
  }[];
  readonly links: readonly (LinkRow & { readonly reason: LinkReason })[];
  readonly letters: readonly DeadLetter[];
  /** Contacts whose record was written: what was refused of them before is no longer so. */
  readonly mended: readonly { readonly contactId: string; readonly recordId: string }[];
  readonly newKeys: readonly Creation[];
  readonly named: readonly { readonly from: string; readonly to: string }[];
  readonly conflicts: Parameters<typeof openConflicts>[1];
  /** Contacts of which two records may stand: a create of theirs was repeated. */
  readonly repeated: readonly string[];
  /** Contacts, and the record that is to be their primary one. */
  readonly preferred: readonly { readonly contactId: string; readonly recordId: string }[];
  readonly taking: readonly TargetPlan[];
  /** Records whose writes may still take effect until then. */
  readonly unsettled: readonly { readonly recordId: string; readonly dueAt: number }[];
}

/** What a batch's calls brought to light, to be remembered in one transaction. */
export interface Findings extends Lists {
  /** What became of a mark. One without an outcome goes back as it was, or as `returned` says. */
  readonly outcomes: ReadonlyMap<DirtyRecord, BatchOutcome>;
  readonly returned: ReadonlyMap<DirtyRecord, ReturnedMark>;
  /** Records to be looked at in place of what was marked, each with the most pressing of the marks' priorities. */
  readonly instead: ReadonlyMap<string, number>;
  /** Contacts whose record is no more and that wrote since, or have another one now; likewise. */
  readonly back: ReadonlyMap<string, number>;
}

/** What one record, or one step, brought to light. */
export type Finding = Partial<Lists> & {
  readonly [Name in Exclude<keyof Findings, keyof Lists>]?: Iterable<
    Findings[Name] extends ReadonlyMap<infer Key, infer Value> ? readonly [Key, Value] : never
  >;
};

export function foldFindings(found: readonly Finding[]): Findings {
  const all = <Item>(of: (one: Finding) => readonly Item[] | undefined): Item[] =>
    found.flatMap((one) => of(one) ?? []);
  return {
    outcomes: new Map(found.flatMap(({ outcomes = [] }) => [...outcomes])),
    returned: new Map(found.flatMap(({ returned = [] }) => [...returned])),
    instead: mostPressingEach(found.flatMap(({ instead = [] }) => [...instead])),
    back: mostPressingEach(found.flatMap(({ back = [] }) => [...back])),
    held: all(({ held }) => held),
    agreed: all(({ agreed }) => agreed),
    seen: all(({ seen }) => seen),
    bornOfErased: all(({ bornOfErased }) => bornOfErased),
    unseen: all(({ unseen }) => unseen),
    noticed: all(({ noticed }) => noticed),
    standing: all(({ standing }) => standing),
    gone: all(({ gone }) => gone),
    links: all(({ links }) => links),
    letters: all(({ letters }) => letters),
    mended: all(({ mended }) => mended),
    newKeys: all(({ newKeys }) => newKeys),
    named: all(({ named }) => named),
    conflicts: all(({ conflicts }) => conflicts),
    repeated: all(({ repeated }) => repeated),
    preferred: all(({ preferred }) => preferred),
    taking: all(({ taking }) => taking),
    unsettled: all(({ unsettled }) => unsettled),
  };
}

/** Of the priorities each is noted with, the most pressing. */
function mostPressingEach(noted: readonly (readonly [string, number])[]): Map<string, number> {
  const most = new Map<string, number>();
  for (const [subject, priority] of noted)
    most.set(subject, Math.min(priority, most.get(subject) ?? priority));
  return most;
}
