import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

/** A source that is named can be opened: pages, sections, headings and files that code and docs cite are here. */

const root = path.resolve(import.meta.dirname, '..');
const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\0')
  .filter((file) => file !== '' && existsSync(path.join(root, file)));
const places = new Set(files.flatMap((file) => [file, ...foldersOf(file)]));

/** A section, or a page or source file, patterns such as `sandbox/**` among them. */
const tokens =
  /§ ?(?<section>\d+(?:\.\d+)*)|(?<![\w./>-])(?<file>(?:\.{1,2}\/)*[\w@*][\w@.*/-]*\.(?:md|ts|mjs|cjs))(?![\w-])/g;
/** What may stand between a page and its sections: `x.md §1, §2 and §3`, `[x.md](../x.md), §9`. */
const between = /^(?:[\s,()[\]]|and|or)*$/;
/** Folders that lie beside the project, not in it. */
const outside = /(?<![\w./-])(?:\.{1,2}\/)*(?:facts|shared)\/[\w./-]*/g;
/** Published payloads that VENDOR_DATA may name; tests skip without them. */
const vendorData = /^(?:\.\.\/)+shared\/vendor$/;
const link = /\]\((?<target>[^)\s]+)\)/g;
const lineBreaks = /\n\s*(?:\*(?!\/)|\/\/)?[ \t]*/g;

test('whatever is cited can be opened', () => {
  const sources = files.filter(
    (file) =>
      /(?:\.(?:ts|mjs|cjs|md)|\.env\.example|^\.ci\/run)$/.test(file) && file !== 'test/citations.test.ts',
  );
  expect(sources.length).toBeGreaterThan(300);
  expect(sources.flatMap((file) => broken(file, readFileSync(path.join(root, file), 'utf8')))).toEqual([]);
});

test.each<[string, string, string[]]>([
  [
    'core/a.ts',
    '/** As docs/vendors/whatsapp.md §1.2 and\n * §3.6 say; docs/design.md §5, promise 9. */',
    [],
  ],
  ['core/a.ts', '/** As docs/vendors/whatsapp.md §1.2 and\n * §99 say. */', ['docs/vendors/whatsapp.md §99']],
  ['core/a.ts', '/** As docs/vendors/whatsapp.md\n * §98 says. */', ['docs/vendors/whatsapp.md §98']],
  ['core/a.ts', '/** As facts/whatsapp.md §1.2 says. */', ['facts/whatsapp.md']],
  ['core/a.ts', '// design.md §4', ['design.md']],
  ['core/a.ts', '// docs/design.md tells it. §4 too.', ['§4 of no page']],
  ['core/a.ts', '// §4.2', ['§4.2 of no page']],
  ['core/a.ts', '// docs/connectors.md §4', ['docs/connectors.md §4']],
  ['core/a.ts', '// core/store/nothing.ts, fold.ts, vanished.ts', ['core/store/nothing.ts', 'vanished.ts']],
  ['connectors/hubspot/a.ts', "import { exchange } from '../shared/http.ts';", []],
  ['test/harness/a.ts', "join(dirname, '../../../shared/vendor')", []],
  ['test/harness/a.ts', "join(dirname, '../../../shared/cases')", ['../../../shared/cases']],
  ['docs/a.md', '[receive](architecture.md#receive), `sandbox/**/*.test.ts`', []],
  [
    'docs/a.md',
    '[receive](architecture.md#recieve), `core/**/*.spec.ts`',
    ['core/**/*.spec.ts', 'architecture.md#recieve'],
  ],
  ['docs/a.md', '[a folder](../core/pipeline), [none](../core/nowhere)', ['../core/nowhere']],
  ['docs/vendors/hubspot.md', 'Limits: §4.8 and §98.', ['docs/vendors/hubspot.md §98']],
])('in %s, %j', (file, text, wrong) => {
  expect(broken(file, text)).toEqual(wrong.map((one) => `${file}: ${one}`));
});

/** What cannot be opened of what this file's text cites. */
function broken(file: string, text: string): string[] {
  const links = file.endsWith('.md') ? brokenLinks(file, text) : [];
  return [...new Set([...brokenCitations(file, text), ...beside(file, text), ...links])].map(
    (one) => `${file}: ${one}`,
  );
}

function brokenCitations(file: string, text: string): string[] {
  const flat = text.replaceAll(lineBreaks, ' ');
  const wrong: string[] = [];
  let cited: { readonly page: string | undefined; readonly end: number } | undefined;
  for (const { 0: token, index, groups = {} } of flat.matchAll(tokens)) {
    const end = index + token.length;
    if (groups['file'] !== undefined) {
      const page = opened(file, groups['file']);
      if (page === undefined) wrong.push(groups['file']);
      cited = { page, end };
      continue;
    }
    const section = groups['section'] ?? '';
    if (cited !== undefined && between.test(flat.slice(cited.end, index))) cited = { ...cited, end };
    // A page speaks of its own sections; elsewhere a section stands behind its page.
    else cited = sectionsOf(file).size > 0 ? { page: file, end } : undefined;
    if (cited === undefined) wrong.push(`§${section} of no page`);
    else if (cited.page !== undefined && !sectionsOf(cited.page).has(section)) {
      wrong.push(`${cited.page} §${section}`);
    }
  }
  return wrong;
}

function beside(file: string, text: string): string[] {
  return (text.match(outside) ?? []).filter(
    (cited) => !vendorData.test(cited) && opened(file, cited) === undefined,
  );
}

function brokenLinks(file: string, text: string): string[] {
  return [...text.matchAll(link)]
    .map(({ groups }) => groups?.['target'] ?? '')
    .filter((target) => {
      if (/^[a-z]+:/.test(target)) return false;
      const [to = '', heading] = target.split('#');
      const page = to === '' ? file : opened(file, to);
      return page === undefined || (heading !== undefined && !anchorsOf(page).has(heading));
    });
}

/** The file or folder that is meant, from here or from the root; a source file may be called by its last names alone. */
function opened(file: string, cited: string): string | undefined {
  // A package's own file, there once packages are installed.
  if (cited.startsWith('node_modules/')) return cited;
  const from = [path.join(path.dirname(file), cited), path.normalize(cited)];
  const place = from.map((one) => one.replace(/\/$/, '')).find((one) => places.has(one));
  if (place !== undefined || cited.endsWith('.md')) return place;
  return files.find((one) => one.endsWith(`/${cited}`) || path.matchesGlob(one, cited));
}

function foldersOf(file: string): string[] {
  const folder = path.dirname(file);
  return folder === '.' ? [] : [folder, ...foldersOf(folder)];
}

function headingsOf(file: string): string[] {
  if (!file.endsWith('.md')) return [];
  return [...readFileSync(path.join(root, file), 'utf8').matchAll(/^#{1,6} +(.+)$/gm)].map(
    ({ 1: one = '' }) => one,
  );
}

/** The numbers its headings begin with. */
function sectionsOf(file: string): ReadonlySet<string> {
  return new Set(headingsOf(file).map((heading) => /^(\d+(?:\.\d+)*)/.exec(heading)?.[1] ?? ''));
}

/** Headings as GitHub makes them ids. */
function anchorsOf(file: string): ReadonlySet<string> {
  return new Set(
    headingsOf(file).map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}
