import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { crms } from '@sangam/connectors/registry';
import { expect, test } from 'vitest';

/** Core and service know CRMs by the registry alone: what they say of one they would say of each. */

const root = path.resolve(import.meta.dirname, '..');
const planned = ['hubspot', 'salesforce', 'zoho', 'leadsquared', 'pipedrive'];
const names = new RegExp([...planned, ...crms.map(({ traits }) => traits.crm)].join('|'), 'i');

test('no file of core or service says the name of a CRM', () => {
  const files = globSync('{core,service}/**/*.ts', { cwd: root }).filter(
    (file) => !file.endsWith('.test.ts') && !file.includes('node_modules'),
  );
  expect(files.length).toBeGreaterThan(200);
  const said = files.flatMap((file) =>
    readFileSync(path.join(root, file), 'utf8')
      .split('\n')
      .flatMap((line, index) => (names.test(line) ? [`${file}:${String(index + 1)} ${line.trim()}`] : [])),
  );
  expect(said).toEqual([]);
});
