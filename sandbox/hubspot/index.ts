import { randomUUID } from 'node:crypto';
import { Router } from 'express';
import { z } from 'zod';
import type { CallTrouble, CrmEntry, CrmFrame, CrmSimulator } from '../crm.ts';
import { type Answer, answering, ok, parseJson, readBody, readChanges } from '../http.ts';
import { createAccount } from './account.ts';
import { fetchControls } from './app/fetch.ts';
import { type AppFacts, createInstall } from './app/install.ts';
import { createHubspotWebhooks } from './app/webhooks.ts';
import { workflowActionControls } from './app/workflow-action.ts';
import { associationOperations } from './association-operations.ts';
import { batchOperations } from './batch-operations.ts';
import type { CatalogueChange } from './catalogue.ts';
import { byApp, type PortalChange } from './changes.ts';
import { contactControls } from './contact-controls.ts';
import { contactOperations } from './contact-operations.ts';
import { createPortal } from './create-portal.ts';
import { answerError, failure, notFound, validationError } from './errors.ts';
import { type HubspotEntry, hubspotJournal } from './hubspot-journal.ts';
import { operationFinder, type Operations } from './operation.ts';
import { ownerOperations } from './owners.ts';
import { portal as portalFacts } from './portal.ts';
import { propertyOperations } from './property-operations.ts';
import type { RecordContext } from './record-context.ts';
import { timelineOf, userRecords } from './user-records.ts';
import { recordOperations } from './record-operations.ts';
import { hubspotRules, type HubspotRules } from './rules.ts';
import { searchOperation } from './search-operation.ts';

const tokenBody = z.strictObject({
  expired: z.boolean().optional(),
  accessToken: z.string().min(1).optional(),
});

/** The sandbox's app has one name in every installation, and a secret of its own in each. */
const clientId = 'sangam-sandbox-app';

export const hubspot = {
  label: 'HubSpot',
  account: String(portalFacts.portalId),
  clientId,
  peopleType: 'contacts',
  rules: hubspotRules,
  open: (frame, rules) => createHubspot({ ...frame, rules: hubspotRules.parse(rules) }),
} as const satisfies CrmEntry;

/** One HubSpot portal: contacts, what stands on their timelines, a token and limits. docs/vendors/hubspot.md. */
export function createHubspot(
  options: CrmFrame & {
    appId?: string;
    /** Hears of every change of a contact, by whomever, once it is made. */
    changed?: (change: PortalChange) => void;
    rules: HubspotRules;
  },
): CrmSimulator {
  const { clock, written } = options;
  const app: AppFacts = {
    appId: options.appId ?? '1000001',
    clientId: options.clientId ?? clientId,
    clientSecret: options.clientSecret ?? randomUUID(),
  };
  let rules = options.rules;
  const append: (entry: HubspotEntry) => void = options.append('hubspot');
  const portal = createPortal({
    clock,
    rules: () => rules,
    append,
    source: byApp(app.appId),
    changed(change) {
      webhooks.changed(change);
      options.changed?.(change);
    },
  });
  const { contacts, communications } = portal;
  const oauth = createInstall(app, { clock, written, append: options.append('hubspot app') });
  const webhooks = createHubspotWebhooks({
    app,
    clock,
    installed: () => oauth.installed(),
    webhookUrl: options.webhookUrl,
    mustBeTarget: options.mustBeTarget,
    written,
  });
  const account = createAccount(
    options.accessToken,
    clock,
    () => rules,
    (token) => oauth.stateOf(token),
  );

  const operationsOf = (context: RecordContext): Operations => {
    const { objectType, catalogue, records } = context;
    const changeCatalogue = (change: CatalogueChange): void => {
      catalogue.apply(change);
      if (change.kind === 'property removed') records.forget(change.name);
      append({ type: objectType.name, ...change });
    };
    return {
      ...recordOperations(portal, context),
      ...batchOperations(portal, context),
      ...propertyOperations(objectType, catalogue, changeCatalogue, () => clock.now()),
    };
  };

  const operations: Operations = {
    ...operationsOf(contacts),
    ...operationsOf(communications),
    ...contactOperations(portal),
    ...searchOperation(contacts),
    ...associationOperations(portal),
    ...ownerOperations,
    'POST /oauth/token': ({ body }) => oauth.token(body),
    'DELETE /appinstalls/external-install': () => {
      oauth.uninstall();
      return { status: 204 };
    },
    'GET /account-info/details': () => ({ status: 200, body: portalFacts }),
  };
  const findOperation = operationFinder(operations);

  const controls = Router();
  controls.put(
    '/token',
    answering(written, (request) => ok(account.setToken(readBody(tokenBody, request)))),
  );
  controls.put(
    '/rules',
    answering(written, (request) => {
      rules = readChanges(hubspotRules, rules, request);
      return ok(rules);
    }),
  );

  controls.use(oauth.routes, webhooks.controls, workflowActionControls(app, options.mustBeTarget, written));
  controls.use(fetchControls(app, () => clock.now(), options.mustBeTarget, written));
  controls.use(contactControls(portal, written));

  return {
    name: 'hubspot',
    facts: { authorizePath: '/sandbox/hubspot/oauth/authorize', portalId: portalFacts.portalId, ...app },
    start: () => webhooks.start(),
    close: () => webhooks.close(),
    journals: [hubspotJournal(portal), oauth.journal],
    userRecords: {
      contacts: userRecords(contacts, (id) => timelineOf(portal, id)),
      communications: userRecords(communications, () => []),
    },
    controls,
    failure,
    keepPast(keep) {
      contacts.records.keepPast(keep);
      communications.records.keepPast(keep);
    },

    call({ method, path, query, headers, text }) {
      const found = findOperation(method, path);
      const happen = ({ readAt, refusedItem = () => undefined }: CallTrouble): Answer => {
        const handler = found === undefined ? undefined : operations[found.operation];
        if (found === undefined || handler === undefined) return answerError(notFound());
        const form = headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;
        const body = text === '' ? undefined : form ? new URLSearchParams(text) : parseJson(text);
        if (text !== '' && body === undefined) {
          return answerError(validationError('Invalid input JSON: the body could not be parsed.'));
        }
        return handler({ ...found, query, body, length: text.length, readAt, refusedItem });
      };
      return {
        operation: found?.operation ?? 'unknown',
        run(trouble = {}) {
          // Whoever asks for a token has none yet.
          if (found?.operation === 'POST /oauth/token') return happen(trouble);
          const entered = account.enter(headers.authorization, found?.operation ?? 'unknown');
          if ('refused' in entered) return entered.refused;
          const answer = happen(trouble);
          return { ...answer, headers: { ...answer.headers, ...entered.headers } };
        },
      };
    },
  };
}
