import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';

/** What stands behind a command. Throws an `Error` that says how it is called. */
export function readCommandLine<const Options extends ParseArgsOptionsConfig>(
  usage: string,
  options: Options,
  positionals = 0,
) {
  try {
    const read = parseArgs({ options, allowPositionals: positionals > 0 });
    const [missingOrExtra] = read.positionals.slice(positionals);
    if (missingOrExtra !== undefined) throw new Error(`Unexpected argument '${missingOrExtra}'`);
    if (read.positionals.length < positionals) throw new Error('A name is missing');
    return read;
  } catch (error) {
    const [problem = ''] = error instanceof Error ? error.message.split('. ') : [];
    throw new Error(`${problem}. Usage: ${usage}`, { cause: error });
  }
}
