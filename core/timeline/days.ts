import { dateFormat } from './date-format.ts';

interface Day {
  /** `YYYY-MM-DD`. */
  readonly day: string;
  /** When it begins and when the next one does, milliseconds. */
  readonly from: number;
  readonly until: number;
}

/** The day last asked for in each time zone: what is asked next is nearly always in it. */
const lastDays = new Map<string, Day>();

/** The day an instant falls on in a time zone, `YYYY-MM-DD`. */
export function dayOf(at: number, timeZone: string): string {
  const last = lastDays.get(timeZone);
  if (last !== undefined && at >= last.from && at < last.until) return last.day;
  const { year, month, day } = partsOf(at, timeZone);
  const name = `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
  boundsOf(name, timeZone);
  return name;
}

/** When a day begins and when the next one does, milliseconds. */
export function boundsOf(day: string, timeZone: string): { readonly from: number; readonly until: number } {
  const last = lastDays.get(timeZone);
  if (last?.day === day) return last;
  const bounds = { day, from: startOf(day, timeZone), until: startOf(nextDay(day), timeZone) };
  lastDays.set(timeZone, bounds);
  return bounds;
}

/** The instant whose wall clock is midnight; where the clock skips midnight, the first instant after. */
function startOf(day: string, timeZone: string): number {
  const midnight = Date.parse(`${day}T00:00:00Z`);
  const first = midnight - offsetAt(midnight, timeZone);
  return midnight - offsetAt(first, timeZone);
}

function nextDay(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
}

/** How far a zone's wall clock is ahead of UTC, milliseconds. */
function offsetAt(at: number, timeZone: string): number {
  const { year, month, day, hour, minute, second } = partsOf(at, timeZone);
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000;
}

interface WallClock {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

function partsOf(at: number, timeZone: string): WallClock {
  const formatter = dateFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const parts = new Map(formatter.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
  return {
    year: part('year'),
    month: part('month'),
    day: part('day'),
    hour: part('hour'),
    minute: part('minute'),
    second: part('second'),
  };
}

function pad(value: number, length: number): string {
  return String(value).padStart(length, '0');
}
