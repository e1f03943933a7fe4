import type { Human } from './human.ts';
import type { Life } from './life.ts';

/** Something that may happen in a life; `human` is who it happens to, where it happens to anybody. */
export interface Step {
  /** How often it happens, beside the shares of the others. */
  readonly share: number;
  /** Whether it can happen in this life; where not, what stands after it happens instead. */
  readonly where?: (life: Life) => boolean;
  readonly happens: (life: Life, human: Human) => Promise<void>;
}

export async function liveOneOf(steps: readonly Step[], life: Life, human: Human): Promise<void> {
  const roll = life.draw.below(steps.reduce((sum, { share }) => sum + share, 0));
  let upTo = 0;
  for (const { share, where, happens } of steps) {
    upTo += share;
    if (roll < upTo && (where === undefined || where(life))) return happens(life, human);
  }
}
