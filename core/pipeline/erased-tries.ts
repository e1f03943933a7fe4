import type { CrmValues } from '../crm/index.ts';
import {
  addErasedValues,
  erasedHash,
  type ErasedTry,
  erasedTriesOf,
  erasedValuesOf,
  type ErasedValues,
  hasErased,
  joinedErasedValues,
  mergedInto,
  type RecordRow,
  recordsById,
  saveErasedValues,
  type SeenRecord,
  type WorkspaceTransaction,
} from '../store/index.ts';
import type { ErasureKeyOf } from './erased-fields.ts';

/** A record as it was seen, and what stands in our unique field. */
type Keyed = Pick<SeenRecord, 'recordId' | 'keyContactId'>;

/** So many fields that say what such a try was to write tell that it made the record: one may say so by chance. */
const telling = 2;

/** Which of these records such tries made, as their key says, and what we wrote there. */
export function bornOfErased(
  tries: readonly ErasedTry[],
  seen: readonly Keyed[],
  key: Buffer,
): ReadonlyMap<string, ErasedTry> {
  if (tries.length === 0) return new Map();
  const tryOf = new Map(tries.map((one) => [one.keyHash, one]));
  return new Map(
    seen.flatMap(({ recordId, keyContactId }) => {
      const made =
        keyContactId === undefined ? undefined : tryOf.get(erasedHash(key, keyContactId).toString('hex'));
      return made === undefined ? [] : [[recordId, made] as const];
    }),
  );
}

/** From here on these records are known for what such tries made. */
export async function noteErasedBirths(
  trx: WorkspaceTransaction,
  connectionId: string,
  seen: readonly Keyed[],
  keyOf: ErasureKeyOf,
): Promise<void> {
  if (seen.every(({ keyContactId }) => keyContactId === undefined)) return;
  const tries = await erasedTriesOf(trx, connectionId);
  if (tries.length === 0) return;
  await addErasedValues(trx, connectionId, bornOfErased(tries, seen, await keyOf(trx.workspaceId)));
}

/**
 * The same where the CRM told of fields of records nobody had seen. Returns what is told of those.
 */
export async function noteToldBirths<Told extends { recordId: string; field: string; value: string }>(
  trx: WorkspaceTransaction,
  connectionId: string,
  told: readonly Told[],
  keyOf: ErasureKeyOf,
): Promise<ReadonlySet<Told>> {
  const tries = told.length === 0 ? [] : await erasedTriesOf(trx, connectionId);
  if (tries.length === 0) return new Set();
  const key = await keyOf(trx.workspaceId);
  const ofRecord = Map.groupBy(told, ({ recordId }) => recordId);
  const born = new Map(
    [...ofRecord].flatMap(([recordId, changes]) => {
      const made = tries.find(({ written }) => {
        const says = ({ field, value }: Told): boolean =>
          written[field]?.includes(erasedHash(key, value).toString('hex')) === true;
        return changes.filter(says).length >= telling;
      });
      return made === undefined ? [] : [[recordId, made] as const];
    }),
  );
  await addErasedValues(trx, connectionId, born);
  return new Set([...born.keys()].flatMap((recordId) => ofRecord.get(recordId) ?? []));
}

/**
 * Records that went into others, before that is remembered: what we wrote there of somebody erased gives way where they
 * live on, but for what stood there before. What nobody had seen of one may have been made by such a try.
 */
export async function noteErasedEnds(
  trx: WorkspaceTransaction,
  connectionId: string,
  moves: readonly { readonly from: string; readonly to: string }[],
  keyOf: ErasureKeyOf,
  now: number,
): Promise<void> {
  if (moves.length === 0 || !(await hasErased(trx))) return;
  const ids = moves.flatMap(({ from, to }) => [from, to]);
  const rows = new Map((await recordsById(trx, connectionId, ids)).map((row) => [row.recordId, row]));
  const known = await erasedValuesOf(trx, connectionId, ids);
  const tried = joinedErasedValues((await erasedTriesOf(trx, connectionId)).map(({ written }) => written));
  const writtenOn = (recordId: string): ErasedValues =>
    known.get(recordId) ?? (isUnseen(rows.get(recordId)) ? tried : {});
  const ending = moves.filter(({ from }) => Object.keys(writtenOn(from)).length > 0);
  if (ending.length === 0) return;
  const merged = await mergedInto(trx, connectionId, [...new Set(ending.map(({ to }) => to))]);
  const key = await keyOf(trx.workspaceId);
  const ended = ending.map(({ from, to }) => {
    const beside = moves.flatMap((move) => (move.to === to ? [move.from] : []));
    const before = [
      ...[to, ...beside].flatMap((recordId) => rows.get(recordId) ?? []),
      ...merged.filter(({ survivorId }) => survivorId === to),
    ];
    const stood = before.map(({ base }) => base);
    return [from, withoutStanding(writtenOn(from), stood, key)] as const;
  });
  await saveErasedValues(trx, connectionId, new Map(ended), now);
}

function isUnseen(row: RecordRow | undefined): boolean {
  return row === undefined || (!row.agreed && row.gone !== 'merged' && Object.keys(row.base).length === 0);
}

function withoutStanding(written: ErasedValues, stood: readonly CrmValues[], key: Buffer): ErasedValues {
  const left = Object.entries(written).map(([field, hashes]) => {
    const standing = stood.flatMap(({ [field]: value }) =>
      value === undefined ? [] : erasedHash(key, value).toString('hex'),
    );
    return [field, hashes.filter((one) => !standing.includes(one))] as const;
  });
  return Object.fromEntries(left.filter(([, hashes]) => hashes.length > 0));
}
