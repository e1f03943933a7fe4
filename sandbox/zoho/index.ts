import { randomUUID } from 'node:crypto';
import { Router } from 'express';
import { z } from 'zod';
import type { CallTrouble, CrmEntry, CrmFrame, CrmSimulator, UserRecords, VendorRequest } from '../crm.ts';
import { type Answer, answering, ok, parseJson, readBody, readChanges } from '../http.ts';
import { createAccount } from './account.ts';
import { createAccountsServer, location } from './accounts-server.ts';
import { automationControls } from './automation-controls.ts';
import { automationOperations } from './automation-operations.ts';
import { createAutomation } from './automation.ts';
import { convertOperation } from './convert-operation.ts';
import { coqlOperation } from './coql-operation.ts';
import { answerError, errorOf, notFoundUrl, tooManyRequests, zohoError } from './errors.ts';
import { fieldOperations } from './field-operations.ts';
import { moduleOperations } from './module-operations.ts';
import { createNotifications } from './notifications.ts';
import { type Context, operationFinder, type Operations } from './operation.ts';
import { org } from './org.ts';
import { createOrgState } from './org-state.ts';
import { createOutbox } from './outbox.ts';
import { readOperations } from './read-operations.ts';
import { relatedOperations } from './related-operations.ts';
import { zohoRules, type ZohoRules } from './rules.ts';
import { searchOperation } from './search-operation.ts';
import { userRecords } from './user-records.ts';
import { watchOperations } from './watch-operations.ts';
import { writeOperations } from './write-operations.ts';

/** The sandbox's app has one name in every installation, and a secret of its own in each. */
const clientId = '1000.SANGAMSANDBOX';

export const zoho = {
  label: 'Zoho CRM',
  account: org.zgid,
  clientId,
  peopleType: 'Leads',
  rules: zohoRules,
  open: (frame, rules) => createZoho(frame, zohoRules.parse(rules)),
} as const satisfies CrmEntry;

const tokenBody = z.strictObject({
  expired: z.boolean().optional(),
  accessToken: z.string().min(1).optional(),
});
const selfClientBody = z.strictObject({
  scopes: z
    .array(z.string())
    .default(['ZohoCRM.modules.ALL', 'ZohoCRM.settings.ALL', 'ZohoCRM.org.ALL', 'ZohoCRM.users.ALL']),
  minutes: z.int().min(1).max(10).default(10),
});

/** One org of Zoho CRM, with the accounts server that lets apps in. docs/vendors/zoho.md. */
function createZoho(frame: CrmFrame, startRules: ZohoRules): CrmSimulator {
  const { clock, written } = frame;
  const app = { clientId: frame.clientId ?? clientId, clientSecret: frame.clientSecret ?? randomUUID() };
  let rules = startRules;
  const state = createOrgState(clock, () => rules, frame.append('zoho'));
  const outbox = createOutbox(clock, written);
  const notifications = createNotifications(state, outbox, frame.append('zoho watch'));
  const automation = createAutomation(state, outbox, frame.append('zoho automation'));
  const context: Context = {
    state,
    tell(changes) {
      for (const change of changes) {
        notifications.tell(change);
        automation.tell(change);
      }
    },
  };
  const records: Record<string, UserRecords> = {};
  state.eachModule((module) => {
    records[module.api_name] = userRecords(context, module);
  });
  const oauth = createAccountsServer(app, { clock, written, append: frame.append('zoho app') }, () => rules);
  const account = createAccount(frame.accessToken, clock, () => rules, oauth);

  const writes = writeOperations(context);
  const operations: Operations = {
    ...writes,
    ...readOperations(context),
    ...relatedOperations(context, writes),
    ...convertOperation(context),
    ...searchOperation(context),
    ...coqlOperation(context),
    ...fieldOperations(context),
    ...moduleOperations(context),
    ...watchOperations(context, notifications, frame.mustBeTarget),
    ...automationOperations(context, automation, outbox, frame.mustBeTarget),
  };
  const findOperation = operationFinder(operations, state.modules);

  const controls = Router();
  controls.put(
    '/token',
    answering(written, (request) => ok(account.setToken(readBody(tokenBody, request)))),
  );
  controls.put(
    '/rules',
    answering(written, (request) => {
      rules = readChanges(zohoRules, rules, request);
      return ok(rules);
    }),
  );
  controls.post(
    '/self-client',
    answering(written, (request) => {
      const { scopes, minutes } = readBody(selfClientBody, request);
      return ok({ code: oauth.drawCode(scopes, minutes * 60_000) });
    }),
  );
  controls.use(
    oauth.routes,
    outbox.controls,
    automationControls(state, automation, frame.mustBeTarget, written),
  );

  /** The accounts server's own paths: form or query, no token yet. docs/vendors/zoho.md §1. */
  const accountsCall = ({
    method,
    path,
    text,
    query,
    headers,
  }: VendorRequest): (() => Answer) | undefined => {
    const base = `http://${headers.host ?? ''}/sandbox/zoho`;
    switch (`${method} ${path}`) {
      case 'POST /oauth/v2/token':
        return () => {
          const { status, body } = oauth.token(new URLSearchParams([...query, ...new URLSearchParams(text)]));
          const given = typeof body === 'object' && body !== null && 'access_token' in body;
          return { status, body: given ? { ...body, api_domain: base } : body };
        };
      case 'POST /oauth/v2/token/revoke': {
        const token = query.get('token') ?? new URLSearchParams(text).get('token') ?? '';
        return () =>
          oauth.revoke(token) ? ok({ status: 'success' }) : { status: 400, body: { status: 'failure' } };
      }
      case 'GET /oauth/serverinfo':
        return () => ok({ result: 'success', locations: { [location]: base } });
      default:
        return undefined;
    }
  };

  return {
    name: 'zoho',
    facts: { authorizePath: '/sandbox/zoho/oauth/v2/auth', zgid: org.zgid, location, ...app },
    journals: [state.journal, oauth.journal, notifications.journal, automation.journal],
    userRecords: records,
    controls,
    failure: (asked) => answerError(errorOf(asked)),
    keepPast(keep) {
      for (const module of state.modules.values()) module.records.keepPast(keep);
    },
    start: () => outbox.start(),
    close: () => outbox.close(),

    call(request) {
      const { method, path, query, headers, text } = request;
      const accounts = accountsCall(request);
      if (accounts !== undefined) return { operation: `${method} ${path}`, run: accounts };
      const found = findOperation(method, path);
      const happen = ({ readAt, refusedItem = () => undefined }: CallTrouble, body: unknown): Answer => {
        const handler = found === undefined ? undefined : operations[found.template];
        if (found === undefined || handler === undefined) return answerError(notFoundUrl);
        if (text !== '' && body === undefined) {
          return answerError(zohoError('INVALID_DATA', 'body', { expected_data_type: 'jsonobject' }));
        }
        return handler({ ...found, query, headers, body, readAt, refusedItem });
      };
      const end = account.begin();
      return {
        operation: found?.operation ?? 'unknown',
        run(trouble = {}) {
          if (end === undefined) return answerError(tooManyRequests);
          const body = text === '' ? undefined : parseJson(text);
          const entered = account.enter(headers.authorization, found, body);
          if ('refused' in entered) return entered.refused;
          const answer = happen(trouble, body);
          return { ...answer, headers: { ...answer.headers, ...entered.headers } };
        },
        end: () => end?.(),
      };
    },
  };
}
