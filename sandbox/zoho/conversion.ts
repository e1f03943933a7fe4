import type { Values } from '../shared/record.ts';
import type { Actor } from './actor.ts';
import { errorOf, isError, zohoError, type ZohoError } from './errors.ts';
import { isConverted, type Module } from './module.ts';
import type { Context } from './operation.ts';
import { zohoTime } from './org.ts';
import { relatedRows } from './related-operations.ts';
import { createWriting, type Raw } from './writing.ts';

/** What the caller asks for beside the contact. docs/vendors/zoho.md §4.5. */
export interface ConversionAsked {
  /** An existing contact or account instead of a new one. */
  readonly contactId?: string | undefined;
  readonly accountId?: string | undefined;
  readonly deal?: Raw | undefined;
  readonly ownerId?: string | undefined;
}

export interface Became {
  readonly contactId: string;
  readonly accountId: string | undefined;
  readonly dealId: string | undefined;
}

/** Standard fields that go over by themselves. */
const mapped = [
  'First_Name',
  'Last_Name',
  'Email',
  'Phone',
  'Mobile',
  'Lead_Source',
  'Email_Opt_Out',
  'Description',
  'Owner',
];

/** A lead becomes a contact, with an account where it has a company, and a deal where one is asked for. */
export function convertLead(
  context: Context,
  leadId: string,
  asked: ConversionAsked,
  actor: Actor,
): Became | ZohoError {
  const { state } = context;
  const [leads, contacts, accounts, deals] = ['Leads', 'Contacts', 'Accounts', 'Deals'].map((name) =>
    state.modules.get(name),
  );
  const lead = leads?.records.find('id', leadId);
  if (
    leads === undefined ||
    contacts === undefined ||
    accounts === undefined ||
    deals === undefined ||
    lead === undefined
  ) {
    return zohoError('INVALID_DATA', 'the id given seems to be invalid', { resource_path_index: 1 });
  }
  if (isConverted(lead.properties))
    return zohoError('ID_ALREADY_CONVERTED', 'id already converted', { resource_path_index: 1 });
  const lock = state.locks.get(leadId);
  if (lock !== undefined && lock.field === undefined && !actor.typed) return errorOf({ code: lock.code });

  // Values are the org's own already: they are written as a user's page writes them.
  const writes: Actor = { ...actor, typed: true };
  const ofContacts = createWriting(state, contacts, writes);
  const values = contactValues(lead.properties, leads, contacts, state.rules().leadMapping);
  const clash = asked.contactId === undefined ? ofContacts.clashing(undefined, values) : undefined;
  if (clash !== undefined) return clash;

  const ofAccounts = createWriting(state, accounts, writes);
  const company = lead.properties['Company'];
  const account =
    asked.accountId ??
    (company === undefined
      ? undefined
      : (accountNamed(accounts, company) ?? idOf(ofAccounts.insert({ Account_Name: company }, 'Accounts'))));
  const owner = asked.ownerId === undefined ? {} : { Owner: asked.ownerId };
  const withAccount = account === undefined ? {} : { Account_Name: account };
  const contact =
    asked.contactId === undefined
      ? ofContacts.insert({ ...values, ...withAccount, ...owner }, 'Contacts')
      : ofContacts.update(asked.contactId, withAccount, 'Contacts');
  if (isError(contact)) return contact;

  const ofDeals = createWriting(state, deals, writes);
  const deal =
    asked.deal === undefined
      ? undefined
      : ofDeals.insert(
          { ...withAccount, ...asked.deal, ...owner, Contact_Name: contact.id },
          'data[0].Deals',
        );
  if (deal !== undefined && isError(deal)) return deal;

  const now = zohoTime(state.clock.now());
  const became: Record<string, string> = {
    Converted__s: 'true',
    Converted_Date_Time: now,
    Converted_Contact: contact.id,
    ...(account === undefined ? {} : { Converted_Account: account }),
    ...(deal === undefined ? {} : { Converted_Deal: deal.id }),
    Modified_By: actor.userId,
    Modified_Time: now,
  };
  state.change(leads, { kind: 'records', records: [[leadId, became]] });
  moveNotes(context, `Contacts/${contact.id}`, leadId);
  const converted = {
    module: leads,
    operation: 'update',
    at: state.clock.now(),
    starts: actor.starts,
  } as const;
  context.tell([
    ...ofAccounts.changes(),
    ...ofContacts.changes(),
    ...ofDeals.changes(),
    { ...converted, records: [{ id: leadId, fields: ['Converted__s', 'Converted_Date_Time'] }] },
  ]);
  return { contactId: contact.id, accountId: account, dealId: deal?.id };
}

function contactValues(
  lead: Values,
  leads: Module,
  contacts: Module,
  mapping: 'same names' | Readonly<Record<string, string>>,
): Record<string, string> {
  const custom = [...leads.fields.values()]
    .filter((field) => field.custom_field)
    .map((field) => field.api_name);
  const pairs =
    mapping === 'same names' ? custom.map((name) => [name, name] as const) : Object.entries(mapping);
  const values: Record<string, string> = {};
  for (const [from, to] of [...mapped.map((name) => [name, name] as const), ...pairs]) {
    const value = lead[from];
    if (value !== undefined && contacts.fields.has(to)) values[to] = value;
  }
  return values;
}

function accountNamed({ records }: Module, name: string): string | undefined {
  const among = [{ property: 'Account_Name', values: [name] }];
  return records.matching(
    ({ properties }) => properties['Account_Name']?.toLowerCase() === name.toLowerCase(),
    undefined,
    among,
  )[0]?.id;
}

function idOf(made: { readonly id: string } | ZohoError): string | undefined {
  return isError(made) ? undefined : made.id;
}

/** Notes go to the contact. */
function moveNotes({ state }: Context, to: string, leadId: string): void {
  const notes = state.modules.get('Notes');
  if (notes === undefined) return;
  const rows = relatedRows(notes, 'Leads', leadId);
  if (rows.length > 0)
    state.change(notes, { kind: 'records', records: rows.map(({ id }) => [id, { Parent_Id: to }]) });
}
