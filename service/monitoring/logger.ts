import { pino, type DestinationStream, type Logger } from 'pino';
import { isDataError, mayQuoteRow } from '@sangam/core/store';

/** What opens something, by the names it goes under here and in vendors' answers. */
const secretNames = [
  'authorization',
  'access_token',
  'accessToken',
  'token',
  'accessKey',
  'secretKey',
  'secret',
];

/** JSON lines: what happened, with ids, counts and milliseconds, and nothing of people. */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  return pino(
    {
      level,
      redact: secretNames.map((name) => `*.${name}`),
      serializers: { err: describeError },
    },
    destination,
  );
}

/** An error as it may stand in a log. */
interface DescribedError {
  readonly type: string;
  readonly code?: string;
  readonly message: string;
  /** Of PostgreSQL: the table, column or constraint it names. */
  readonly about?: string;
  readonly stack?: readonly string[];
  readonly cause?: DescribedError;
}

/** Of our own code. */
const mostFrames = 6;
const mostCauses = 3;

/**
 * What was thrown, without what it may quote: PostgreSQL's details hold whole rows, its messages about a value that value,
 * and a parser's message the text it stumbled over.
 */
export function describeError(error: unknown, depth = 0): DescribedError {
  if (!(error instanceof Error))
    return { type: typeof error, message: 'Something that is no error was thrown.' };
  const about = ['table', 'column', 'constraint'].flatMap((name) => textOf(error, name) ?? []).join(' ');
  const code = textOf(error, 'code');
  const frames = (error.stack ?? '')
    .split('\n')
    .filter((line) => /^ {4}at /.test(line) && !/node_modules|node:/.test(line))
    .map((line) => line.trim());
  const stack = [...new Set(frames)].slice(0, mostFrames);
  return {
    type: error.name,
    ...(code === undefined ? {} : { code }),
    message: mayQuote(error) ? 'Left out: it may quote data.' : error.message,
    ...(about === '' ? {} : { about }),
    ...(stack.length === 0 ? {} : { stack }),
    ...(error.cause === undefined || depth === mostCauses
      ? {}
      : { cause: describeError(error.cause, depth + 1) }),
  };
}

/** The database may have refused a value; a parser a text, or Node an argument, which it says by a code. */
function mayQuote(error: Error): boolean {
  if (mayQuoteRow(error)) return true;
  return isDataError(error) && (error instanceof SyntaxError || textOf(error, 'code') !== undefined);
}

function textOf(error: object, name: string): string | undefined {
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'string' ? value : undefined;
}
