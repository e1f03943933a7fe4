import { Router } from 'express';
import { z } from 'zod';
import type { SandboxClock } from '../clock.ts';
import type { CrmSimulator } from '../crm.ts';
import { type Answer, answering, ok, parseJson, readBody, readChanges } from '../http.ts';
import type { Append } from '../journal.ts';
import { createAccount } from './account.ts';
import { associationOperations } from './association-operations.ts';
import { batchOperations } from './batch-operations.ts';
import type { CatalogueChange } from './catalogue.ts';
import { byApp } from './change-sources.ts';
import { contactControls } from './contact-controls.ts';
import { contactOperations } from './contact-operations.ts';
import { createPortal } from './create-portal.ts';
import { answerError, failure, notFound, validationError } from './errors.ts';
import { type HubspotEntry, hubspotJournal } from './hubspot-journal.ts';
import { operationFinder, type Operations } from './operation.ts';
import { ownerOperations } from './owners.ts';
import { portal as portalFacts } from './portal.ts';
import type { PortalChange } from './portal-change.ts';
import { propertyOperations } from './property-operations.ts';
import type { RecordContext } from './record-context.ts';
import { recordDesk } from './record-desk.ts';
import { recordOperations } from './record-operations.ts';
import { hubspotRules, type HubspotRules } from './rules.ts';
import { searchOperation } from './search-operation.ts';
import { timelineOf } from './timeline.ts';

const tokenBody = z.strictObject({
  expired: z.boolean().optional(),
  accessToken: z.string().min(1).optional(),
});

/** One HubSpot portal: contacts, what stands on their timelines, a token and limits. facts/hubspot.md. */
export function createHubspot(options: {
  accessToken: string;
  /** The app whose token it is. */
  appId?: string;
  /** Hears of every change of a contact, by whomever, once it is made. */
  changed?: (change: PortalChange) => void;
  clock: SandboxClock;
  rules: HubspotRules;
  append: (part: string) => Append;
  written: () => Promise<void>;
}): CrmSimulator {
  const { clock, written } = options;
  let rules = options.rules;
  const append: (entry: HubspotEntry) => void = options.append('hubspot');
  const portal = createPortal({
    clock,
    rules: () => rules,
    append,
    source: byApp(options.appId ?? '1000001'),
    changed: options.changed ?? (() => undefined),
  });
  const { contacts, communications } = portal;
  const account = createAccount(options.accessToken, clock, () => rules);

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
      ...propertyOperations(objectType, catalogue, changeCatalogue),
    };
  };

  const operations: Operations = {
    ...operationsOf(contacts),
    ...operationsOf(communications),
    ...contactOperations(portal),
    ...searchOperation(contacts),
    ...associationOperations(portal),
    ...ownerOperations,
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

  controls.use(contactControls(portal, written));

  return {
    name: 'hubspot',
    journal: hubspotJournal(portal),
    desks: {
      contacts: recordDesk(contacts, (id) => timelineOf(portal, id)),
      communications: recordDesk(communications, () => []),
    },
    controls,
    failure,
    keepPast(keep) {
      contacts.records.keepPast(keep);
      communications.records.keepPast(keep);
    },

    call({ method, path, query, headers, text }) {
      const found = findOperation(method, path);
      const happen = (readAt: number | undefined): Answer => {
        const handler = found === undefined ? undefined : operations[found.operation];
        if (found === undefined || handler === undefined) return answerError(notFound());
        const body = text === '' ? undefined : parseJson(text);
        if (text !== '' && body === undefined) {
          return answerError(validationError('Invalid input JSON: the body could not be parsed.'));
        }
        return handler({ ...found, query, body, length: text.length, readAt });
      };
      return {
        operation: found?.operation ?? 'unknown',
        run(readAt) {
          const entered = account.enter(headers.authorization, found?.operation ?? 'unknown');
          if ('refused' in entered) return entered.refused;
          const answer = happen(readAt);
          return { ...answer, headers: { ...answer.headers, ...entered.headers } };
        },
      };
    },
  };
}
