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

/** What a batch's calls brought to light, to be remembered in one transaction. */
export class Findings {
  /** What became of a mark. One without an outcome goes back as it was, or as `returned` says. */
  readonly outcomes = new Map<DirtyRecord, BatchOutcome>();
  readonly returned = new Map<DirtyRecord, ReturnedMark>();
  readonly held: DirtyRecord[] = [];
  readonly agreed: AgreedRecord[] = [];
  readonly seen: SeenRecord[] = [];
  /** Records that creates of people erased since turned out to have made, nobody having answered. */
  readonly bornOfErased: Pick<SeenRecord, 'recordId' | 'keyContactId'>[] = [];
  /** Records made whose answer did not tell all that is followed. */
  readonly unseen: string[] = [];
  /** What people changed, as reading showed. */
  readonly noticed: Occurrence[] = [];
  /** Records the vendor had said were deleted, and that are there. */
  readonly standing: string[] = [];
  readonly gone: {
    readonly recordId: string;
    readonly how: 'deleted' | 'merged';
    readonly at: number;
    readonly movedTo?: string;
  }[] = [];
  readonly links: (LinkRow & { readonly reason: LinkReason })[] = [];
  readonly letters: DeadLetter[] = [];
  /** Contacts whose record was written: what was refused of them before is no longer so. */
  readonly mended: { readonly contactId: string; readonly recordId: string }[] = [];
  /** Records to be looked at in place of what was marked, each with its mark's priority. */
  readonly instead = new Map<string, number>();
  readonly newKeys: Creation[] = [];
  readonly named: { readonly from: string; readonly to: string }[] = [];
  readonly conflicts: Parameters<typeof openConflicts>[1][number][] = [];
  /** Contacts whose record is no more and that wrote since, or have another one now; with their mark's priority. */
  readonly back = new Map<string, number>();
  /** Contacts of which two records may stand: a create of theirs was repeated. */
  readonly repeated: string[] = [];
  /** Contacts, and the record that is to be their primary one. */
  readonly preferred: { readonly contactId: string; readonly recordId: string }[] = [];
  readonly taking: TargetPlan[] = [];
  /** Records whose writes may still take effect until then. */
  readonly unsettled: { readonly recordId: string; readonly dueAt: number }[] = [];
}
