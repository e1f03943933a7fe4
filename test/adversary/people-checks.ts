import { mayBeTwo, withoutCountry } from './human.ts';
import type { Life } from './life.ts';
import type { Seen, SeenHuman } from './seen.ts';

/** What must be so of each human. */

export function eachIsKnownAsThemselves(life: Life, { byBsuid, byPhone }: Seen): string[] {
  return life.humans.flatMap((human) => {
    const { index, known, erasedAt } = human;
    const erased = erasedAt !== undefined;
    const contactId = byBsuid.get(index);
    const phones = byPhone.get(index);
    const faults: string[] = [];
    if (known && contactId !== phones && !mayBeTwo(human))
      faults.push(`${String(index)}: by bsuid ${String(contactId)}, by phone ${String(phones)}`);
    if (known && contactId === undefined && !erased) faults.push(`${String(index)} is not known`);
    if (!known && contactId !== undefined && erased) faults.push(`${String(index)} is erased and known`);
    return faults;
  });
}

export function whoWasJoinedIsOne(life: Life, { byBsuid }: Seen): string[] {
  if (life.joinsUnsure) return [];
  return [...byBsuid].flatMap(([index, contactId]) =>
    [...byBsuid].flatMap(([other, otherId]) => {
      const joined = life.groupOf(index).has(other);
      return index < other && joined !== (contactId === otherId)
        ? [`${String(index)} and ${String(other)}: joined ${String(joined)}, ids ${contactId} ${otherId}`]
        : [];
    }),
  );
}

/** Those who must have a record: of the others nothing can be said. */
function linked({ humans }: Seen): SeenHuman[] {
  return humans.filter(({ mayBeUnlinked, primaries }) => !mayBeUnlinked || primaries.length > 0);
}

export function eachHasOnePrimaryRecord(_life: Life, seen: Seen): string[] {
  return linked(seen).flatMap(({ human, links, primaries }) =>
    primaries.length !== 1 || links.filter(({ primary }) => primary).length !== 1
      ? [`${String(human.index)}: primaries ${JSON.stringify(links)}`]
      : [],
  );
}

/** Once, on the primary record; a record that was removed and restored may keep what it had. */
export function eachMessageStandsOnce(life: Life, seen: Seen): string[] {
  return linked(seen).flatMap(({ human, primaries }) => {
    const primary = primaries[0] ?? '';
    return human.said.flatMap(({ words }) => {
      const times = (seen.timelines.get(primary) ?? '').split(words).length - 1;
      const elsewhere = [...seen.timelines]
        .filter(([recordId, shown]) => recordId !== primary && shown.includes(words))
        .map(([recordId]) => recordId);
      const isWrong = times !== 1 || (elsewhere.length > 0 && !life.anyRestored);
      const where = `${String(times)} times on primary ${primary}, and on ${elsewhere.join(',') || 'no other'}`;
      return isWrong ? [`${String(human.index)}: ${words} ${where}`] : [];
    });
  });
}

export function onlyUsersMakeASecondRecord(_life: Life, seen: Seen): string[] {
  return linked(seen).flatMap(({ human, primaries }) => {
    if (human.recordsUnsure) return [];
    const number = withoutCountry(human.phone);
    const holding = seen.records
      .filter(({ values }) => Object.values(values).some((value) => value.includes(number)))
      .map(({ recordId }) => recordId);
    return holding.length !== 1 || holding[0] !== primaries[0]
      ? [
          `${String(human.index)}: records ${holding.join(',')} hold the phone, primary ${String(primaries[0])}`,
        ]
      : [];
  });
}

/** In one second STOP counts after START. */
export function eachIsOptedOutAsTheySaid(life: Life, seen: Seen): string[] {
  return linked(seen).flatMap(({ human, optOut }) => {
    if (human.optOutUnsure || life.groupOf(human.index).size > 1) return [];
    const last = human.optLog
      .toSorted((one, other) => one.at - other.at || Number(one.out) - Number(other.out))
      .at(-1);
    return (last?.out ?? false) === optOut ? [] : [`${String(human.index)}: opt-out ${String(optOut)}`];
  });
}
