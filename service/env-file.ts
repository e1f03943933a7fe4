import { readFileSync } from 'node:fs';

/** A file Node was told to read settings from (`--env-file`). */
export interface EnvFile {
  readonly file: string;
  /** The line each name stands in, from 1. */
  readonly names: ReadonlyMap<string, number>;
}

const flag = /^--env-file(-if-exists)?=/;

/** The files this process took settings from. Throws an `Error` that names a line Node would misread without a word. */
export function envFiles(): EnvFile[] {
  const files = process.execArgv.filter((one) => flag.test(one)).map((one) => one.replace(flag, ''));
  return files.flatMap((file) => {
    const text = textOf(file);
    return text === undefined ? [] : [readEnvFile(file, text)];
  });
}

/** Throws an `Error` that names the line, and quotes none of it: what stands there may be a secret. */
export function readEnvFile(file: string, text: string): EnvFile {
  const refuse = (line: number, problem: string): never => {
    throw new Error(`${file}, line ${String(line)}: ${problem}`);
  };
  if (text.startsWith('\uFEFF')) {
    refuse(
      1,
      'begins with a byte order mark, which hides the first name: save the file as UTF-8 without it.',
    );
  }
  const names = new Map<string, number>();
  for (const [index, content] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(content)) continue;
    const line = index + 1;
    const [, name, value] = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=(.*)$/.exec(content) ?? [];
    if (name === undefined || value === undefined) {
      return refuse(line, 'is no setting: write NAME=value, each in one line.');
    }
    const problem = problemOf(value);
    if (problem !== undefined) refuse(line, problem);
    const earlier = names.get(name);
    if (earlier !== undefined) {
      refuse(line, `sets what line ${String(earlier)} sets already: keep one of the two.`);
    }
    names.set(name, line);
  }
  return { file, names };
}

/** What Node would read otherwise than it stands there: it cuts at a #, and takes a quote that is not closed along. */
function problemOf(value: string): string | undefined {
  const [, quote, rest] = /^\s*(["'`])(.*)$/.exec(value) ?? [];
  if (quote !== undefined && rest !== undefined) {
    const end = rest.indexOf(quote);
    if (end === -1) return 'has a quote that is not closed: close it in this line, or leave it out.';
    return /^\s*(#|$)/.test(rest.slice(end + 1))
      ? undefined
      : 'goes on behind its closing quote: put the whole value in quotes of a kind that it does not hold.';
  }
  const cut = value.indexOf('#');
  return cut === -1 || /\s/.test(value.charAt(cut - 1))
    ? undefined
    : 'has a # in its value, which ends it there: put the value in quotes, or a blank before a comment.';
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // Node itself ends where a file must be there.
    return undefined;
  }
}
