import { type Human, tokensOf } from './human.ts';
import { actorOf, type Life } from './life.ts';

/** A member erases whom they see: they have just written. Now, or while calls to the CRM are under way. */
export async function eraseSomebody(life: Life, human: Human): Promise<void> {
  if (human.erasedAt !== undefined || !human.known) return;
  await life.deliverHeldBack();
  await life.writes(human);
  await life.fixture.process.apply();
  const group = life.groupOf(human.index);
  if (life.draw.chance(0.6)) return erase(life, human, group);
  const callsBefore = life.draw.below(4);
  let calls = 0;
  let erased: Promise<void> | undefined;
  life.say('member: will erase during calls');
  life.crm.beforeCall = async () => {
    calls += 1;
    if (calls <= callsBefore) return;
    erased ??= erase(life, human, group);
    await erased;
  };
  await life.fixture.settle();
  life.crm.beforeCall = undefined;
  await (erased ?? erase(life, human, group));
}

/** Whom members joined with them is one person with them, and goes too. */
async function erase(life: Life, human: Human, group: ReadonlySet<number>): Promise<void> {
  const contactId = await life.contactIdOf(human);
  if (contactId === undefined) return;
  await life.fixture.process.eraser.erase(actorOf(life), contactId);
  life.anyErased = true;
  for (const one of life.humans) if (group.has(one.index)) noteErased(one, contactId, life.now);
  life.decisions = life.decisions.filter(
    ({ pair }) => pair === undefined || !pair.some((one) => group.has(one)),
  );
  life.say(`member: erases ${[...group].join(' ')} (${contactId})`);
}

function noteErased(human: Human, contactId: string, at: number): void {
  const words = human.said.map(({ words }) => words.slice('words '.length));
  human.erasedTokens = new Set([...tokensOf(human), ...words, contactId]);
  human.said = [];
  human.optLog = [];
  human.erasedAt = at;
  human.known = false;
  human.shownTogether = false;
  human.recordsUnsure = true;
  human.optOutUnsure = true;
}

/** They write again: their name and numbers are known anew. What they said before, and who they were, is not. */
export function comesBack(life: Life, human: Human): void {
  const own = new Set(tokensOf(human));
  human.erasedTokens = new Set([...human.erasedTokens].filter((token) => !own.has(token)));
  life.say(`${String(human.index)} comes back`);
}
