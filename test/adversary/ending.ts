import { hour, minute } from '../conformance/set-up.ts';
import { comesBack } from './erasing.ts';
import { callsAreWell } from './faults.ts';
import type { Life } from './life.ts';

/** Whatever was in the way is gone and everything has its time, so that what must be so is. */
export async function comeToRest(life: Life): Promise<void> {
  const { crm, fixture } = life;
  await life.deliverHeldBack();
  life.setDeaf(false);
  await callsAreWell(life);
  life.say('END');
  await everybodyWritesOnceMore(life);
  fixture.clock.advance(minute);
  await fixture.pass(9 * hour);
  await crm.check();
  await fixture.pass(3 * hour);
  await crm.replay();
  if (!(await fixture.pass(60 * hour))) throw new Error('Something still waits.');
  await crm.check();
  await fixture.ride(3 * hour);
}

/** Who lost a record gets one, and some of those who were erased are somebody new. */
async function everybodyWritesOnceMore(life: Life): Promise<void> {
  for (const human of life.humans) {
    if (human.erasedAt !== undefined) {
      if (life.draw.chance(0.6)) continue;
      life.fixture.clock.advance(minute);
      comesBack(life, human);
    }
    if (!human.known && life.draw.chance(0.2)) continue;
    await life.writes(human);
  }
}
