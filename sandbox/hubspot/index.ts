import { Router } from 'express';
import { z } from 'zod';
import type { SandboxClock } from '../clock.ts';
import type { CrmSimulator } from '../crm.ts';
import { type Answer, answering, ok, parseJson, readBody, readChanges } from '../http.ts';
import type { Append } from '../journal.ts';
import { createAccount } from './account.ts';
import { type CatalogueChange, createCatalogue } from './catalogue.ts';
import { contactDesk } from './contact-desk.ts';
import { createContacts } from './contacts.ts';
import { answerError, failure, notFound, validationError } from './errors.ts';
import { type HubspotEntry, hubspotJournal } from './hubspot-journal.ts';
import { findOperation, type Operations } from './operation.ts';
import { portal } from './portal.ts';
import { propertyOperations } from './property-operations.ts';
import { recordOperations } from './record-operations.ts';
import { hubspotRules, type HubspotRules } from './rules.ts';

const tokenBody = z.strictObject({
  expired: z.boolean().optional(),
  accessToken: z.string().min(1).optional(),
});

/** One HubSpot portal: contacts, their properties, a token and a limit. facts/hubspot.md. */
export function createHubspot(options: {
  accessToken: string;
  clock: SandboxClock;
  rules: HubspotRules;
  append: (part: string) => Append;
  written: () => Promise<void>;
}): CrmSimulator {
  const { clock, written } = options;
  let rules = options.rules;
  const append: (entry: HubspotEntry) => void = options.append('hubspot');
  const catalogue = createCatalogue(() => rules);
  const contacts = createContacts({ clock, catalogue, rules: () => rules, append });
  const account = createAccount(options.accessToken, clock, () => rules);

  const changeCatalogue = (change: CatalogueChange): void => {
    catalogue.apply(change);
    if (change.kind === 'property removed') contacts.forget(change.name);
    append(change);
  };

  const operations: Operations = {
    ...recordOperations({ contacts, catalogue, clock, rules: () => rules }),
    ...propertyOperations(catalogue, changeCatalogue),
    'GET /account-info/details': () => ({ status: 200, body: portal }),
  };

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

  return {
    name: 'hubspot',
    journal: hubspotJournal(catalogue, contacts),
    desks: { contacts: contactDesk(contacts) },
    controls,
    failure,
    keepPast: (keep) => contacts.keepPast(keep),

    call({ method, path, query, headers, text }) {
      const found = findOperation(operations, method, path);
      const happen = (readAt: number | undefined): Answer => {
        const handler = found === undefined ? undefined : operations[found.operation];
        if (found === undefined || handler === undefined) return answerError(notFound());
        const body = text === '' ? undefined : parseJson(text);
        if (text !== '' && body === undefined) {
          return answerError(validationError('Invalid input JSON: the body could not be parsed.'));
        }
        return handler({ version: found.version, id: found.id, query, body, readAt });
      };
      return {
        operation: found?.operation ?? 'unknown',
        run(readAt) {
          const entered = account.enter(headers.authorization);
          if ('refused' in entered) return entered.refused;
          const answer = happen(readAt);
          return { ...answer, headers: { ...answer.headers, ...entered.headers } };
        },
      };
    },
  };
}
