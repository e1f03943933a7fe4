import { onTestFinished, vi } from 'vitest';
import { type Description, type Exchange, objectionsTo } from './open-api.ts';

/** Calls of Zoho's API against its description, which was drawn from samples. docs/vendors/zoho.md §2.1. */

/** Every call below the sandbox's API from here on, until the test is over: what was sent and what came back. */
export function zohoExchanges(): Exchange[] {
  const exchanges: Exchange[] = [];
  const real = globalThis.fetch;
  const spy = vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const response = await real(input, init);
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    const path = /\/sandbox\/zoho(?<api>\/crm\/v8\/.*)$/.exec(pathname)?.groups?.['api'];
    if (path === undefined) return response;
    const text = await response.clone().text();
    exchanges.push({
      method: init?.method ?? 'GET',
      path,
      sent: typeof init?.body === 'string' ? JSON.parse(init.body) : undefined,
      status: response.status,
      answered: text === '' ? undefined : JSON.parse(text),
    });
    return response;
  });
  onTestFinished(() => spy.mockRestore());
  return exchanges;
}

/** Told once, without places in lists. `files`: the description's, by name. */
export function zohoObjections(
  exchanges: readonly Exchange[],
  files: ReadonlyMap<string, unknown>,
): string[] {
  const descriptions = [...files].map(([name, file]) => withWholePaths(name, file as Description));
  const objections = exchanges.flatMap((exchange) =>
    objectionsTo(exchange, descriptions, { known, loosely: true, files }),
  );
  return [
    ...new Set(objections.map((one) => one.replaceAll(/\[\d+\]/g, '[]').replaceAll(/\d{15,}/g, '{id}'))),
  ];
}

/** The files of webhooks and workflow rules leave out where their paths begin. */
function withWholePaths(name: string, description: Description): Description {
  if (!name.startsWith('zoho-crm-')) return description;
  const paths = Object.entries(description.paths).map(([path, operations]) => [`/crm/v8${path}`, operations]);
  return { ...description, paths: Object.fromEntries(paths) as Description['paths'] };
}

/**
 * `maximum_length` is a text in one file and a number in the others, and so in Zoho's own examples; `errors` is described
 * in its pages alone. docs/vendors/zoho.md §2.2.
 */
const known: ReadonlySet<string> = new Set(['maximum_length', 'errors']);
