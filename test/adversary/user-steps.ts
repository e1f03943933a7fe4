import type { UserRecord } from '../conformance/account.ts';
import { type Human, withoutCountry } from './human.ts';
import type { Life } from './life.ts';

/** What users of the CRM do on its own pages. What the CRM refuses them is said in the log, and no fault. */

type Values = Readonly<Record<string, string>>;

async function someRecord(life: Life): Promise<UserRecord | undefined> {
  return life.draw.pick(await life.crm.records());
}

export async function createsRecord(life: Life, human: Human): Promise<void> {
  const { crm, draw } = life;
  const number = withoutCountry(human.phone);
  const typed = draw.oneOf([
    `+${human.phone}`,
    number,
    `0${number}`,
    `${number.slice(0, 5)} ${number.slice(5)}`,
  ]);
  const name = `Typed${String(life.nextId())}`;
  const optsOut = draw.chance(0.1);
  const values: Values = {
    ...(draw.chance(0.7) ? crm.valuesOf({ 'first name': name }) : {}),
    ...(draw.chance(0.8) ? crm.valuesOf({ phone: typed }) : {}),
    ...(optsOut ? crm.valuesOf({ 'opt-out': { kind: 'flag', set: true } }) : {}),
  };
  life.noteTyped(values);
  human.recordsUnsure = true;
  if (optsOut) human.optOutUnsure = life.usersSetOptOut = true;
  const recordId = await crm.account.user.create(values).catch(String);
  life.say(`user creates ${recordId} ${JSON.stringify(values)}`);
}

export async function editsRecord(life: Life): Promise<void> {
  const record = await someRecord(life);
  if (record === undefined) return;
  const values = someEdit(life);
  life.noteTyped(values);
  life.say(`user edits ${record.recordId} ${JSON.stringify(values)}`);
  await life.crm.account.user
    .update(record.recordId, values)
    .catch((error: unknown) => life.say(`  refused ${String(error)}`));
}

function someEdit(life: Life): Values {
  const { crm, draw } = life;
  const name = `Typed${String(life.nextId())}`;
  switch (draw.below(8)) {
    case 0:
    case 1:
      return { [crm.account.stage.field]: draw.oneOf(crm.account.stage.values) };
    case 2:
      return crm.valuesOf({ 'first name': name });
    case 3:
      return crm.valuesOf({ 'last name': draw.chance(0.3) ? '' : name });
    case 4:
      return somebodysPhone(life);
    case 5:
      return optOut(life, true);
    case 6:
      return optOut(life, false);
    default:
      return crm.valuesOf({ tags: { kind: 'tags', tags: [`u${String(draw.below(3))}`] } });
  }
}

function somebodysPhone(life: Life): Values {
  const { crm, draw } = life;
  const { phone } = life.someHuman();
  const field = draw.pick(crm.connector.traits.phoneFields) ?? '';
  life.everybodyUnsure();
  life.valuesCarried = true;
  return { [field]: draw.chance(0.2) ? '' : draw.oneOf([`+${phone}`, withoutCountry(phone)]) };
}

function optOut(life: Life, set: boolean): Values {
  if (set) life.usersSetOptOut = true;
  else life.usersClearedOptOut = true;
  for (const human of life.humans) human.optOutUnsure = true;
  return life.crm.valuesOf({ 'opt-out': { kind: 'flag', set } });
}

export async function mergesRecords(life: Life): Promise<void> {
  const records = await life.crm.records();
  const kept = life.draw.pick(records);
  const merged = life.draw.pick(records.filter(({ recordId }) => recordId !== kept?.recordId));
  if (kept === undefined || merged === undefined) return;
  life.valuesCarried = true;
  life.everybodyUnsure();
  await life.crm.account.user.merge(kept.recordId, merged.recordId).then(
    (into) => life.say(`user merges ${merged.recordId} into ${kept.recordId}: ${into}`),
    (error: unknown) => life.say(`no merge ${String(error)}`),
  );
}

export async function removesRecord(life: Life): Promise<void> {
  const record = await someRecord(life);
  if (record === undefined) return;
  life.everybodyUnsure();
  life.say(`user removes ${record.recordId}`);
  await life.crm.account.user.remove(record.recordId);
  life.removed.push(record.recordId);
  life.lastRemovedAt = life.now;
}

export async function restoresRecord(life: Life): Promise<void> {
  const recordId = life.draw.take(life.removed);
  if (recordId === undefined) return;
  life.anyRestored = true;
  life.everybodyUnsure();
  await life.crm.account.user.restore(recordId).then(
    () => life.say(`user restores ${recordId}`),
    (error: unknown) => life.say(`no restore ${String(error)}`),
  );
}

export async function convertsLead(life: Life): Promise<void> {
  const leads = life.memory?.user.list().filter(({ type }) => type === 'lead');
  const lead = life.draw.pick(leads ?? []);
  if (lead === undefined) return;
  life.everybodyUnsure();
  const into = await life.crm.account.user.convert(lead.recordId);
  life.say(`user converts ${lead.recordId} into ${into}`);
}
