import { Temporal } from 'temporal-polyfill';
import { regionOf } from '../identity/index.ts';

/** Hours of a day in which nobody is written to: `HH:MM`, over midnight where `from` is later. */
export interface QuietHours {
  readonly from: string;
  readonly until: string;
}

/**
 * From when on a message may reach somebody who lives in one of these zones: `now`, or the end of the quiet hours in each of
 * them. Undefined: in some zone it is always quiet.
 */
export function quietUntil(now: number, zones: readonly string[], quiet: QuietHours): number | undefined {
  let at = now;
  // Each step leaves the quiet hours of one zone; a day holds those of all.
  for (let steps = 0; steps <= 2 * zones.length; steps += 1) {
    const ends = zones.flatMap((zone) => endOfQuiet(at, zone, quiet) ?? []);
    if (ends.length === 0) return at;
    at = Math.max(...ends);
  }
  return undefined;
}

/** When the quiet hours end in which an instant falls; undefined: it falls in none. */
function endOfQuiet(at: number, zone: string, { from, until }: QuietHours): number | undefined {
  const here = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone);
  const today = here.toPlainDate();
  // Where clocks are put forward over an end, it ends after the gap; where they are put back, when it comes for the last time.
  const timeOn = (date: Temporal.PlainDate, time: string): number =>
    date.toPlainDateTime(Temporal.PlainTime.from(time)).toZonedDateTime(zone, { disambiguation: 'later' })
      .epochMilliseconds;
  const overMidnight = from > until;
  for (const beganOn of [today.subtract({ days: 1 }), today]) {
    const endsOn = overMidnight ? beganOn.add({ days: 1 }) : beganOn;
    const begins = beganOn
      .toPlainDateTime(Temporal.PlainTime.from(from))
      .toZonedDateTime(zone, { disambiguation: 'earlier' }).epochMilliseconds;
    const ends = timeOn(endsOn, until);
    if (begins <= at && at < ends) return ends;
  }
  return undefined;
}

const known = new Map<string, readonly string[]>();

/** Where somebody with this phone, or of this country (ISO 3166 alpha-2), may live: all zones of it. */
export function zonesOf(person: {
  readonly phone?: string | undefined;
  readonly country?: string | undefined;
}): readonly string[] {
  const region = (person.phone === undefined ? undefined : regionOf(person.phone)) ?? person.country;
  if (region === undefined) return [];
  const cached = known.get(region);
  if (cached !== undefined) return cached;
  // TypeScript does not know it yet; Node 24 has it.
  const locale: Intl.Locale & { getTimeZones?: () => readonly string[] | undefined } = new Intl.Locale(
    'und',
    {
      region,
    },
  );
  const zones = locale.getTimeZones?.() ?? [];
  known.set(region, zones);
  return zones;
}
