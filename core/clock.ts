/** The time of the outside world. A sandbox advances it; everything that compares instants asks it. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };
