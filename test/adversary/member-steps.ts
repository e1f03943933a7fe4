import { eraseSomebody } from './erasing.ts';
import type { Human } from './human.ts';
import { actorOf, type Decision, type Life, type Pair } from './life.ts';
import { liveOneOf, type Step } from './step.ts';

/** What members of the workspace put right. What Sangam refuses them is said in the log, and no fault. */
const decisions: readonly Step[] = [
  { share: 2, happens: joins },
  { share: 2, happens: undoes },
  { share: 2, happens: linksOtherwise },
  { share: 1, happens: settlesConflict },
  { share: 2, happens: eraseSomebody },
];

export async function decides(life: Life, human: Human): Promise<void> {
  await liveOneOf(decisions, life, human);
}

async function noteDecision(life: Life, kind: string, decision: Promise<string>, pair?: Pair): Promise<void> {
  try {
    const id = await decision;
    life.say(`member: ${kind} ${id}`);
    life.decisions.push({ id, kind, pair });
  } catch (error) {
    life.say(`member: no ${kind}: ${String(error)}`);
  }
}

/** A member joins whom they see: both have just written. */
async function joins(life: Life, human: Human): Promise<void> {
  const other = life.someHuman();
  if (other === human || life.groupOf(human.index).has(other.index)) return;
  if (!human.known || !other.known) return;
  await life.deliverHeldBack();
  await life.writes(human);
  await life.writes(other);
  await life.fixture.process.apply();
  const contactId = await life.contactIdOf(human);
  const otherId = await life.contactIdOf(other);
  if (contactId === undefined || otherId === undefined) return;
  for (const one of [human, other]) one.recordsUnsure = one.optOutUnsure = true;
  const { corrections } = life.fixture.process;
  const joined = corrections.join(actorOf(life), contactId, otherId);
  await noteDecision(life, 'join', joined, [human.index, other.index]);
  if (life.draw.chance(0.5)) await life.fixture.process.apply();
}

async function undoes(life: Life): Promise<void> {
  const decision = life.draw.take(life.decisions);
  if (decision === undefined) return;
  const { id } = decision;
  await life.fixture.process.corrections.undo(actorOf(life), id).then(
    () => noteUndone(life, decision),
    (error: unknown) => {
      life.say(`member: no undo: ${String(error)}`);
      life.decisions.push(decision);
    },
  );
  for (const one of life.humans) one.recordsUnsure = true;
}

function noteUndone(life: Life, { id, kind, pair }: Decision): void {
  life.say(`member: undoes ${kind} ${id}`);
  life.joinsUnsure ||= pair?.some((one) => life.groupOf(one).size > 1) === true;
}

async function linksOtherwise(life: Life, human: Human): Promise<void> {
  const contactId = await life.contactIdOf(human);
  const record = life.draw.pick(await life.crm.records());
  if (contactId === undefined || record === undefined) return;
  life.everybodyUnsure();
  const link = { connectionId: life.crm.connectionId, contactId, recordId: record.recordId };
  const kind = life.draw.chance(0.6) ? 'relink' : 'unlink';
  life.say(`member: ${kind} ${JSON.stringify(link)} of ${String(human.index)}`);
  await noteDecision(life, kind, life.fixture.process.corrections[kind](actorOf(life), link));
}

async function settlesConflict(life: Life): Promise<void> {
  const conflict = life.draw.pick(await life.crm.conflicts());
  if (conflict === undefined) return;
  const { conflictId, recordIds } = conflict;
  life.everybodyUnsure();
  const { corrections } = life.fixture.process;
  const decision = life.draw.chance(0.7)
    ? corrections.acceptConflict(actorOf(life), conflictId, life.draw.pick(recordIds))
    : corrections.dismissConflict(actorOf(life), conflictId);
  await noteDecision(life, 'conflict', decision);
}
