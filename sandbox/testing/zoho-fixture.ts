import type { IncomingHttpHeaders } from 'node:http';
import { onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import type { ZohoRules } from '../zoho/rules.ts';
import { accessToken, type SandboxFixture, startSandboxFixture } from './sandbox-fixture.ts';

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** One of the answers a write gives, record by record. */
const item = z.looseObject({
  code: z.string(),
  action: z.string().optional(),
  duplicate_field: z.string().nullish(),
  details: z.looseObject({ id: z.string().optional(), api_name: z.string().optional() }),
});
const items = z.object({ data: z.array(item) });
type Item = z.infer<typeof item>;

export interface ZohoFixture {
  readonly fixture: SandboxFixture;
  /** Below `/crm/v8`, with the token. */
  api(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
  /** Of the sandbox's own, below `/sandbox/zoho`. */
  control(method: string, path: string, body?: unknown): Promise<Reply>;
  /** Status and answers of a write of several records. */
  write(
    method: string,
    path: string,
    data: readonly object[],
    more?: object,
  ): Promise<{ status: number; items: Item[] }>;
  /** Makes records: their ids. */
  make(module: string, ...data: readonly object[]): Promise<string[]>;
  coql(query: string): Promise<{ status: number; body: unknown; rows: Record<string, unknown>[] }>;
  /** Where whoever is told of something listens. */
  readonly listener: string;
  /** What came there so far, once there are so many; those of a test that is over stay out of it. */
  heard(count: number): Promise<Heard[]>;
  /** What it answers from now on. */
  listenerAnswers(status: number): void;
  /** Makes fields of a module. */
  fields(module: string, ...fields: readonly object[]): Promise<Reply>;
}

interface Heard {
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

const rows = z.object({ data: z.array(z.record(z.string(), z.unknown())) });

/** An org of Zoho CRM over HTTP for one test. */
export async function startZoho(
  rules: Partial<ZohoRules> = {},
  options: { dataDir?: string } = {},
): Promise<ZohoFixture> {
  const all: Heard[] = [];
  let answer = 200;
  const fixture = await startSandboxFixture({
    rules: { zoho: rules },
    ...options,
    heard(headers, bytes) {
      all.push({ headers, text: bytes.toString('utf8') });
      return answer;
    },
  });
  onTestFinished(() => fixture.stop());

  const api: ZohoFixture['api'] = (method, path, body, headers = {}) =>
    fixture.call(method, `/zoho/crm/v8${path}`, body, {
      authorization: `Zoho-oauthtoken ${accessToken}`,
      ...headers,
    });
  const write: ZohoFixture['write'] = async (method, path, data, more = {}) => {
    const { status, body } = await api(method, path, { data, ...more });
    return { status, items: items.parse(body).data };
  };
  return {
    fixture,
    api,
    control: (method, path, body) => fixture.call(method, `/zoho${path}`, body),
    write,
    async make(module, ...data) {
      const { items: made } = await write('POST', `/${module}`, data);
      return made.map(({ details, code }) => {
        if (details.id === undefined || code !== 'SUCCESS') throw new Error(`not made: ${code}`);
        return details.id;
      });
    },
    async coql(query) {
      const { status, body } = await api('POST', '/coql', { select_query: query });
      return { status, body, rows: status === 200 ? rows.parse(body).data : [] };
    },
    listener: `http://127.0.0.1:${String(fixture.port)}/heard`,
    heard: (count) =>
      vi.waitFor(
        () => {
          if (all.length < count) throw new Error(`${String(all.length)} of ${String(count)} came`);
          return all;
        },
        { timeout: 20_000 },
      ),
    listenerAnswers(status) {
      answer = status;
    },
    fields: (module, ...fields) => api('POST', `/settings/fields?module=${module}`, { fields }),
  };
}

/** A text field of which no two records of a module hold the same value. */
export const uniqueKey = {
  field_label: 'Our Key',
  data_type: 'text',
  length: 64,
  unique: { case_sensitive: false },
};
