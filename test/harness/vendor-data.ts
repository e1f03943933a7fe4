import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse as parseYaml } from 'yaml';

/** Files of a folder of vendor data, by name; undefined, with one printed line, where the data is absent. */
export function vendorData(folder: string): ReadonlyMap<string, unknown> | undefined {
  const root = process.env['VENDOR_DATA'] ?? path.join(import.meta.dirname, '../../../shared/vendor');
  const full = path.join(root, folder);
  if (!existsSync(full)) {
    console.log(`Skipped: no vendor data in ${folder}. Set VENDOR_DATA to the folder that holds it.`);
    return undefined;
  }
  const names = readdirSync(full).filter((name) => /\.(json|yaml)$/.test(name));
  return new Map(
    names.map((name): [string, unknown] => {
      const text = readFileSync(path.join(full, name), 'utf8');
      return [name, name.endsWith('.json') ? JSON.parse(text) : parseYaml(text)];
    }),
  );
}
