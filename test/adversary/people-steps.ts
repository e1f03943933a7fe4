import { flowAnswer, hour, nationalNumber } from '../conformance/set-up.ts';
import { echo, history, numberChange, type Person, preference, status, text } from '../harness/whatsapp.ts';
import { type Human, shownWhole } from './human.ts';
import type { Life } from './life.ts';

/** What happens on WhatsApp: people, whoever answers them, and how WhatsApp tells of both. */

/**
 * WhatsApp shows a phone, a BSUID or both. Where numbers change hands a phone alone would not say whose it is, so that
 * nothing could be told of anybody.
 */
function shownSomehow(life: Life, human: Human): Person {
  const how = life.draw.below(10);
  if (how < 6 || (how < 8 && life.numbersChangeHands)) return shownWhole(human);
  human.recordsUnsure = true;
  const { phone, bsuid, name } = human;
  return how < 8 ? { phone, name } : { bsuid, name };
}

export async function writes(life: Life, human: Human): Promise<void> {
  await life.writes(human, shownSomehow(life, human), true);
}

export async function optsOutOrIn(life: Life, human: Human): Promise<void> {
  const out = life.draw.chance(0.6);
  const at = life.tick();
  const id = life.nextId();
  const person = shownSomehow(life, human);
  const word = out ? 'STOP' : 'START';
  life.say(`${String(human.index)} ${word} as ${JSON.stringify(person)}`);
  human.optLog.push({ at, out });
  life.sees(human, person);
  const change = life.draw.chance(0.8)
    ? text(person, life.wamidOf(id), at, word)
    : preference(person, at, out ? 'stop' : 'resume');
  await life.deliver(change);
}

export async function isAnswered(life: Life, human: Human): Promise<void> {
  if (!human.known) return;
  const at = life.tick();
  const id = life.nextId();
  const words = life.wordsOf(id);
  human.said.push({ words, at });
  life.say(`${String(human.index)} is answered ${words}`);
  const person = shownWhole(human);
  await life.deliver(echo(person, life.wamidOf(id), at, words));
  if (life.draw.chance(0.5)) await life.deliver(status(person, life.wamidOf(id), at + 1000, 'delivered'));
}

export async function answersFlow(life: Life, human: Human): Promise<void> {
  const at = life.tick();
  const wamid = life.wamidOf(life.nextId());
  const person = shownWhole(human);
  life.sees(human, person);
  life.say(`${String(human.index)} flow`);
  await life.deliver(flowAnswer(person, wamid, at, { size: 'L', name: 'x' }));
}

export async function changesNumber(life: Life, human: Human): Promise<void> {
  const before = shownWhole(human);
  const givenUp = life.numbersChangeHands ? life.draw.pick(numbersGivenUp(life)) : undefined;
  const phone = givenUp ?? `91${nationalNumber(life.nextNumber())}`;
  const rotates = life.draw.chance(0.4);
  const at = life.tick();
  const id = life.nextId();
  const bsuid = rotates ? `IN.P${String(human.index)}R${String(id)}` : human.bsuid;
  life.say(`${String(human.index)} changes number to ${phone} ${rotates ? bsuid : ''}`);
  human.known = true;
  const after = rotates ? { phone, bsuid } : { phone };
  await life.crm.receive(numberChange(before, after, life.wamidOf(id), at));
  human.phone = phone;
  human.bsuid = bsuid;
  human.phones.add(phone);
  human.bsuids.add(bsuid);
  if (givenUp !== undefined)
    for (const holder of life.humans) if (holder.phones.has(phone)) holder.optOutUnsure = true;
  human.recordsUnsure = true;
  // WhatsApp shows both together soon: until then the new number is nobody's.
  await life.writes(human);
}

function numbersGivenUp({ humans }: Life): string[] {
  return humans.flatMap(({ phones }) =>
    [...phones].filter((phone) => !humans.some((holder) => holder.phone === phone)),
  );
}

/** History names people by their phone alone: it is theirs where that is sure. */
export async function isOfHistory(life: Life, human: Human): Promise<void> {
  if (human.phones.size > 1 || life.numbersChangeHands) return;
  const daysAgo = life.openedAt - 48 * hour + life.draw.below(24) * hour;
  const id = life.nextId();
  // No two of one life in the same second.
  const at = daysAgo + (id - 1) * 1000;
  if (!human.known || human.erasedAt !== undefined) return;
  const words = life.wordsOf(id);
  human.said.push({ words, at });
  life.say(`${String(human.index)} history ${words}`);
  const direction = life.draw.chance(0.5) ? 'in' : 'out';
  await life.deliver(history(human.phone, life.wamidOf(id), at, words, direction));
}

/** Where nobody knows them yet there is nobody to tag. */
export async function isTagged(life: Life, human: Human): Promise<void> {
  life.say(`${String(human.index)} tagged`);
  const tag = `t${String(life.draw.below(3))}`;
  const added = life.draw.chance(0.7) ? [tag] : [];
  const removed = life.draw.chance(0.3) ? [tag] : [];
  await life.crm.tag(shownWhole(human), added, removed).catch(() => undefined);
}
