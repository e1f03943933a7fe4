import { hour, minute } from '../conformance/set-up.ts';
import { nextCallsFail } from './faults.ts';
import type { Life } from './life.ts';
import { decides } from './member-steps.ts';
import * as people from './people-steps.ts';
import { liveOneOf, type Step } from './step.ts';
import * as users from './user-steps.ts';

/**
 * What may happen. Another step is one more line: what the oracle can no longer know after it is to be said in the
 * life's own fields. Each line changes what every seed means.
 */
const steps: readonly Step[] = [
  { share: 22, happens: people.writes },
  { share: 5, happens: people.optsOutOrIn },
  { share: 5, happens: people.isAnswered },
  { share: 2, happens: people.answersFlow },
  { share: 3, happens: people.changesNumber },
  { share: 2, happens: people.isOfHistory },
  { share: 2, happens: people.isTagged },
  { share: 3, happens: users.createsRecord },
  { share: 8, happens: users.editsRecord },
  { share: 3, happens: users.mergesRecords },
  { share: 2, happens: users.removesRecord },
  { share: 2, happens: users.restoresRecord },
  { share: 1, happens: users.convertsLead, where: ({ memory }) => memory !== undefined },
  { share: 5, happens: newsStopsOrGoesOn },
  { share: 1, happens: webhooksComeAgain },
  { share: 6, happens: nextCallsFail },
  { share: 10, happens: everythingSettles },
  { share: 3, happens: timeGoesBy },
  { share: 2, happens: timeIsLived },
  { share: 1, happens: accountIsChecked },
  { share: 1, happens: anotherProcessStarts },
  { share: 2, happens: eventsAreApplied },
  { share: 9, happens: decides },
];

export async function oneStep(life: Life): Promise<void> {
  const human = life.someHuman();
  await liveOneOf(steps, life, human);
}

async function newsStopsOrGoesOn(life: Life): Promise<void> {
  life.setDeaf(life.draw.chance(0.5));
  life.say(`deaf: ${String(life.crm.deaf)}`);
}

async function webhooksComeAgain(life: Life): Promise<void> {
  life.say('redeliver');
  await life.crm.account.redeliver();
}

async function everythingSettles(life: Life): Promise<void> {
  life.say('settle');
  await life.fixture.settle();
}

/** And nobody works meanwhile. */
async function timeGoesBy(life: Life): Promise<void> {
  const ms = life.draw.oneOf([1000, 10_000, minute, 10 * minute, hour, 5 * hour]);
  life.say(`later ${String(ms)}`);
  life.fixture.clock.advance(ms);
}

async function timeIsLived(life: Life): Promise<void> {
  life.say('ride');
  await life.fixture.pass(life.draw.oneOf([minute, 10 * minute, hour]));
}

async function accountIsChecked(life: Life): Promise<void> {
  life.say('check');
  await life.crm.check();
}

async function anotherProcessStarts(life: Life): Promise<void> {
  life.say('another process');
  life.fixture.addProcess();
}

async function eventsAreApplied(life: Life): Promise<void> {
  await life.fixture.process.apply();
}
