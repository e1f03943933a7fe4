import path from 'node:path';
import { parseArgs } from 'node:util';
import { startVitest } from 'vitest/node';
import { crmNames, type CrmName } from './wanted.ts';

/**
 * `npm run adversary -- [--from=SEED] [--count=20] [--crm=memory|hubspot]`: random lives of Sangam, each judged at its
 * end. A line a life; of one that fails what was wrong and all that happened, and exit code 1. What may happen stands
 * in steps.ts, what must be so in oracle.ts.
 */
const usage =
  'npm run adversary -- takes --from=SEED and --count=LIVES, whole numbers of which the second is above 0, and ' +
  `--crm=${crmNames.join('|')}.`;

const given = readArguments();
const wantedLives = {
  from: given.from === undefined ? Math.floor(Math.random() * 1_000_000) : wholeNumber(given.from),
  count: wholeNumber(given.count),
  crm: given.crm === undefined ? undefined : crmNamed(given.crm),
};
if (wantedLives.count === 0) refuse();

// What lives stand on is made for tests: a PostgreSQL of the run, databases of a file. Failures set the exit code.
await startVitest([], {
  config: false,
  watch: false,
  root: path.resolve(import.meta.dirname, '../..'),
  include: ['test/adversary/lives.ts'],
  globalSetup: './test/harness/global-setup.ts',
  pool: 'forks',
  reporters: ['dot'],
  provide: { wantedLives },
  hookTimeout: 600_000,
});

function readArguments() {
  // Without a -- of its own before them, npm keeps options to itself and says so in the environment.
  if (['from', 'count', 'crm'].some((name) => process.env[`npm_config_${name}`] !== undefined)) refuse();
  try {
    return parseArgs({
      options: {
        from: { type: 'string' },
        count: { type: 'string', default: '20' },
        crm: { type: 'string' },
      },
    }).values;
  } catch {
    return refuse();
  }
}

function wholeNumber(text: string): number {
  return /^\d{1,9}$/.test(text) ? Number(text) : refuse();
}

function crmNamed(name: string): CrmName {
  return crmNames.find((one) => one === name) ?? refuse();
}

function refuse(): never {
  process.stderr.write(`${usage}\n`);
  process.exit(2);
}
