import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

/** A file Node was told to read settings from (`--env-file`). */
export interface EnvFile {
  readonly file: string;
  readonly names: readonly string[];
}

const flag = /^--env-file(-if-exists)?=/;

/** The files this process took settings from. Throws an `Error` that names a line Node passes over without a word. */
export function envFiles(): EnvFile[] {
  const files = process.execArgv.filter((one) => flag.test(one)).map((one) => one.replace(flag, ''));
  return files.flatMap((file) => {
    const text = textOf(file);
    if (text === undefined) return [];
    const wrong = text
      .split(/\r?\n/)
      .findIndex((line) => !/^\s*(#|$)|^\s*(export\s+)?[A-Za-z_]\w*\s*=/.test(line));
    if (wrong !== -1)
      throw new Error(
        `${file}, line ${String(wrong + 1)}: is no setting: write NAME=value, each in one line.`,
      );
    return [{ file, names: Object.keys(parseEnv(text)) }];
  });
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch {
    // Node itself ends where a file must be there.
    return undefined;
  }
}
