import { Router } from 'express';
import { z } from 'zod';
import type {
  CallTrouble,
  CrmEntry,
  CrmFrame,
  CrmSimulator,
  UserRecords,
  Refused,
  UserRecord,
  VendorRequest,
} from '../crm.ts';
import { type Answer, answering, ok, parseJson, readBody } from '../http.ts';
import { createDeliveries } from '../shared/deliveries.ts';
import { createBudget, createConcurrencyLimit } from '../shared/limits.ts';
import { createOauthServer } from '../shared/oauth.ts';
import type { RecordsChange } from '../shared/record.ts';
import { createRecordState, type RecordState } from '../shared/record-state.ts';

const ledgerRules = z.strictObject({ budget: z.int().default(0), mostAtOnce: z.int().default(0) });

/**
 * A CRM of the tests' own, unlike HubSpot in each way that matters to what simulators share: it fails with 200, answers batches
 * by place, has leads that become people, ids of letters, rotating refresh tokens, a budget by cost and webhooks with a plain
 * secret that it tries three times.
 */
export const ledger = {
  label: 'Ledger',
  account: 'ledger-1',
  clientId: 'ledger-app',
  peopleType: 'leads',
  rules: ledgerRules,
  open: (frame, rules) => createLedger(frame, ledgerRules.parse(rules)),
} as const satisfies CrmEntry;

type Kind = 'leads' | 'people';
const kinds = ['leads', 'people'] as const;
const written = z.record(z.string(), z.string());
const itemsBody = z.object({ items: z.array(written) });
const change = z.object({ type: z.enum(kinds), change: z.custom<RecordsChange>() });
const told = z.object({ record: z.string(), name: z.string() });

function createLedger(frame: CrmFrame, rules: z.output<typeof ledgerRules>): CrmSimulator {
  const { clock, clientId = ledger.clientId, clientSecret = 'ledger-secret' } = frame;
  const append = frame.append('ledger');
  const budget = createBudget(clock, () => ({ max: rules.budget }));
  const atOnce = createConcurrencyLimit(() => rules.mostAtOnce);
  const stateOf = (letter: string): RecordState =>
    createRecordState(clock, {
      idProperty: 'id',
      ids: {
        make: (n) => `${letter}${n.toString(36).padStart(4, '0')}`,
        numberOf: (id) => Number.parseInt(id.slice(1), 36),
      },
      unique: () => ['key'],
      archivedKeepsUniqueValues: () => true,
      mergedAnswers: () => false,
      lagMs: () => 0,
    });
  const states = { leads: stateOf('L'), people: stateOf('P') };
  const oauth = createOauthServer({
    clock,
    written: frame.written,
    app: { clientId, clientSecret },
    append: frame.append('ledger app'),
    name: 'ledger app',
    authorizePath: '/agree',
    codeMs: 60_000,
    accessMs: Infinity,
    refreshTokens: 'rotated',
    replayEndsAll: true,
    pkce: 'required',
    answer: ({ accessToken, refreshToken }) => ({ access_token: accessToken, refresh_token: refreshToken }),
    refuse: (reason) => ok({ error: reason }),
    comesBackWith: () => ({ location: 'in' }),
  });
  const deliveries = createDeliveries<z.output<typeof told>>({
    clock,
    name: 'ledger webhooks',
    item: told,
    append: frame.append('ledger webhooks'),
    settings: () => ({
      batch: 1,
      gatherMs: 0,
      mostAtOnce: 1,
      duplicates: 0,
      shuffle: false,
      holdMs: 0,
      paused: false,
      retries: { gapsMs: [3_000, 30_000], tries: 3, forMs: Infinity },
    }),
    url: () => frame.webhookUrl?.() ?? '',
    body: ([sent]) => Buffer.from(JSON.stringify(sent?.item)),
    sign: () => ({ 'x-ledger-secret': clientSecret }),
    accepts: (status) => status === 200,
    answerMs: 1_000,
    remembers: 100,
  });

  const make = (type: Kind, happened: RecordsChange): void => {
    states[type].apply(happened);
    append({ type, change: happened });
  };
  const write = (
    type: Kind,
    id: string | undefined,
    values: Record<string, string>,
  ): UserRecord | Refused => {
    const state = states[type];
    const holder = state.holderOf('key', values['key'] ?? '');
    if (holder !== undefined && holder !== id)
      return { refused: { status: 200, message: `TAKEN ${holder}` } };
    const recordId = id ?? state.takeId();
    make(type, { kind: 'records', records: [[recordId, { ...values, id: recordId }]] });
    deliveries.queue({ record: recordId, name: values['name'] ?? '' });
    return recordOf(type, recordId) ?? { id: recordId, properties: values, timeline: [] };
  };
  const recordOf = (type: Kind, id: string): UserRecord | undefined => {
    const found = states[type].find('id', id);
    return found === undefined ? undefined : { id, properties: found.properties, timeline: [] };
  };

  const userRecordsOf = (type: Kind): UserRecords => ({
    list: (page) =>
      states[type].list(page, undefined).map(({ id, properties }) => ({ id, properties, timeline: [] })),
    get: (id) => recordOf(type, id),
    create: (properties) => write(type, undefined, written.parse(properties)),
    update: (id, properties) =>
      recordOf(type, id) === undefined ? undefined : write(type, id, written.parse(properties)),
    remove(id) {
      if (recordOf(type, id) === undefined) return false;
      make(type, { kind: 'archived', ids: [id], at: clock.now() });
      return true;
    },
    merge(primaryId, mergedId) {
      if (recordOf(type, primaryId) === undefined || recordOf(type, mergedId) === undefined) return undefined;
      make(type, { kind: 'merged', survivor: [primaryId, {}], ids: [mergedId], at: clock.now() });
      return recordOf(type, primaryId);
    },
    restore: 'The Ledger forgets what is deleted.',
    convert:
      type === 'people'
        ? 'Only leads are converted.'
        : (id) => {
            const { id: _own, key: _key, ...values } = recordOf('leads', id)?.properties ?? {};
            if (recordOf('leads', id) === undefined) return undefined;
            make('leads', { kind: 'archived', ids: [id], at: clock.now() });
            return write('people', undefined, { ...values, lead: id });
          },
  });

  const item = (type: Kind, values: Record<string, string>, code: string | undefined): object => {
    if (code !== undefined) return { status: 'error', code };
    const made = write(type, undefined, values);
    if (!('refused' in made)) return { status: 'ok', id: made.id };
    const [reason, holder] = made.refused.message.split(' ');
    return { status: 'error', code: reason, holder };
  };

  const answerTo = ({ method, path, text, headers, query }: VendorRequest, trouble: CallTrouble): Answer => {
    if (path === '/token') return oauth.token(new URLSearchParams(text), headers.authorization);
    const token = String(headers['x-ledger-token']);
    if (token !== frame.accessToken && oauth.stateOf(token) !== 'valid') return failure({ code: 'NO_TOKEN' });
    const [, name, id] = path.split('/');
    const type = kinds.find((kind) => kind === name);
    if (type === undefined) return failure({ code: 'NO_SUCH_PATH' });
    if (method === 'GET' && id === undefined) {
      const page = { limit: 2, after: query.get('after') ?? undefined };
      return ok({ items: states[type].list(page, trouble.readAt).map((seen) => seen.id) });
    }
    if (method === 'GET') {
      const seen = states[type].read(query.has('key') ? 'key' : 'id', id ?? '', trouble.readAt);
      return seen === undefined ? failure({ code: 'GONE' }) : ok(seen.properties);
    }
    const { items } = itemsBody.parse(parseJson(text));
    if (budget.spend(items.length)?.allowed === false) return failure({ code: 'BUDGET' });
    return ok({ items: items.map((values) => item(type, values, trouble.refusedItem?.())) });
  };

  const controls = Router();
  controls.get(
    '/deliveries',
    answering(frame.written, () => ok(deliveries.state())),
  );
  controls.post(
    '/deliveries/redeliver',
    answering(frame.written, () => ok({ events: deliveries.redeliver() })),
  );
  controls.put(
    '/rules',
    answering(frame.written, (request) => {
      Object.assign(rules, readBody(ledgerRules.partial(), request));
      return ok(rules);
    }),
  );
  controls.use(oauth.routes);

  return {
    name: 'ledger',
    journals: [
      {
        name: 'ledger',
        replay(line) {
          const entry = change.parse(line);
          states[entry.type].replay(entry.change);
        },
        *snapshot() {
          for (const type of kinds) {
            for (const { id, properties } of states[type].all()) {
              yield { type, change: { kind: 'records', records: [[id, properties]] } };
            }
          }
        },
      },
      oauth.journal,
      deliveries.journal,
    ],
    userRecords: { leads: userRecordsOf('leads'), people: userRecordsOf('people') },
    controls,
    call(request) {
      const end = atOnce.begin();
      const [, name = ''] = request.path.split('/');
      return {
        operation: `${request.method} /${name}`,
        run: (trouble = {}) =>
          end === undefined ? failure({ code: 'TOO_MANY_AT_ONCE' }) : answerTo(request, trouble),
        end: () => end?.(),
      };
    },
    failure,
    facts: {},
    keepPast(keep) {
      for (const type of kinds) states[type].keepPast(keep);
    },
    start: () => deliveries.start(),
    close: () => deliveries.close(),
  };
}

/** Everything is told with 200, unless a fault asks for another status. */
function failure({ status = 200, code = 'FAILED' }: Parameters<CrmSimulator['failure']>[0]): Answer {
  return { status, body: { status: 'error', code } };
}
