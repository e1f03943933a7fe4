import { type Description, type Exchange, objectionsTo } from './open-api.ts';
import { recordVendorCalls } from './vendor-calls.ts';

/** Calls of Zoho's API against its description, which was drawn from samples. docs/vendors/zoho.md §2.1. */

/** Every call below the sandbox's API from here on, until the test is over: what was sent and what came back. */
export function zohoExchanges(): () => Exchange[] {
  const calls = recordVendorCalls();
  return () =>
    calls.flatMap(({ method, url, headers, sent, status, answered }): Exchange[] => {
      const path = /\/sandbox\/zoho(?<api>\/crm\/v8\/.*)$/.exec(url.pathname)?.groups?.['api'];
      if (path === undefined) return [];
      return [
        {
          method,
          path,
          asked: {
            query: [...url.searchParams.keys()],
            headers: [...headers.keys()].filter((name) => !everywhere.has(name)),
          },
          sent: sent === '' ? undefined : JSON.parse(sent),
          status,
          answered: answered === '' ? undefined : JSON.parse(answered),
        },
      ];
    });
}

/** Headers of every call: no description names them. */
const everywhere: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'authorization',
  'content-type',
  'sec-fetch-mode',
  'user-agent',
]);

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
