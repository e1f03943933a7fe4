import { openHubspotAccount } from '../conformance/hubspot-account.ts';
import { memoryAccounts } from '../conformance/memory-account.ts';
import type { CrmFixture } from '../harness/crm-fixture.ts';
import type { MemoryCrmRules } from '../harness/memory-crm/index.ts';
import { Draw } from './draw.ts';
import { newHuman } from './human.ts';
import { Life } from './life.ts';
import type { CrmName } from './wanted.ts';

/** What a life begins with: the seed decides the CRM's rules, how its news comes, and who is there. */
export async function openLife(
  seed: number,
  wanted: CrmName | undefined,
  fixture: CrmFixture,
): Promise<Life> {
  const draw = new Draw(seed);
  const openedAt = fixture.clock.now();
  const name = wanted ?? (draw.chance(0.5) ? 'memory' : 'hubspot');
  const webhooks = name === 'hubspot' && draw.chance(0.6);
  const numbersChangeHands = draw.chance(0.4);
  const news = webhooks ? { webhooks, polled: draw.chance(0.3) } : { polled: true };
  const parts = { seed, draw, fixture, openedAt, numbersChangeHands };
  let life: Life;
  if (name === 'memory') {
    const rules = memoryRules(draw);
    const accounts = memoryAccounts(rules);
    const crm = await fixture.addWorkspace(accounts.open, news);
    const refusesTwins = rules.twins !== 'make';
    life = new Life({ ...parts, crm, memory: accounts.opened().crm, refusesTwins });
    life.say(`memory ${JSON.stringify(rules)}`);
  } else {
    const rules = draw.chance(0.3) ? { updateFailsPerItem: false } : {};
    const crm = await fixture.addWorkspace((clock) => openHubspotAccount(clock, rules), news);
    life = new Life({ ...parts, crm, memory: undefined, refusesTwins: false });
    life.say(`hubspot ${JSON.stringify(news)} ${JSON.stringify(rules)}`);
  }
  if (draw.chance(0.85)) await life.crm.check();
  const people = 2 + draw.below(3);
  for (let index = 0; index < people; index += 1) life.humans.push(newHuman(index, draw.chance(0.7)));
  return life;
}

function memoryRules(draw: Draw): MemoryCrmRules {
  return {
    writeClass: draw.oneOf(['keyed', 'findable']),
    entries: draw.oneOf(['keyed', 'findable']),
    batchSize: draw.oneOf([1, 3, 100]),
    searchLagMs: draw.oneOf([0, 5000]),
    twins: draw.oneOf(['make', 'refuse and name the holder']),
    movesWithMerge: draw.chance(0.5),
    creates: draw.oneOf(['contact', 'lead']),
  };
}
