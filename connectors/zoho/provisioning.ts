import type { ProvisioningStep } from '@sangam/core/crm';
import { SangamError } from '@sangam/core/errors';
import { type Lack, lackOf, stepsOf } from '../shared/provisioning.ts';
import type { ZohoAccount } from './account.ts';
import { namesIn } from './account-facts.ts';
import { centreOfApi } from './data-centres.ts';
import { inNotes } from './entry-store.ts';
import { notProvisioned, type Refusal, refusalError } from './errors.ts';
import { changeFieldOf, createFieldsOf, isUnique, type ZohoField } from './field-api.ts';
import { createModule, listModules } from './module-api.ts';
import { personModules } from './modules.ts';
import { listUsers, type Org, readOrg } from './org-api.ts';
import { conversationFields, conversationModule, type FieldDefinition, ourFields } from './our-fields.ts';
import { success } from './outcomes.ts';
import { fieldsPerCreate, limitsOf } from './vendor.ts';

/** Options Zoho's own lists should offer, so that people can choose what we write. */
const wantedOptions: Readonly<Record<string, string>> = {
  Lead_Source: 'WhatsApp',
  Lead_Status: 'Not Contacted',
};

/** What is so of this account alone: its names, what its edition allows, where its conversations are. `apiBase`: where it is. */
export async function learnFacts(account: ZohoAccount, apiBase: string): Promise<void> {
  account.schema.forget();
  await saveFacts(account, apiBase, await conversationModuleIn(account));
}

async function saveFacts(
  { client, schema, facts }: ZohoAccount,
  apiBase: string,
  timelineIn: string | undefined,
): Promise<void> {
  const names = await namesIn(schema);
  const org = await readOrg(client);
  await facts.save({
    ...names,
    limits: limitsOf(org.edition, org.users),
    ...(timelineIn === undefined ? {} : { timelineIn }),
    ...seenAt(org, apiBase),
  });
}

function seenAt({ zgid }: Org, apiBase: string): { seenAt?: string } {
  const centre = centreOfApi(apiBase);
  return centre === undefined ? {} : { seenAt: `${centre.pages}/crm/org${zgid}` };
}

/** What `provision` would do, in words, without doing it. */
export async function planFields(account: ZohoAccount): Promise<ProvisioningStep[]> {
  account.schema.forget();
  const steps: ProvisioningStep[] = [];
  for (const module of personModules) {
    const lack = await lackIn(account, module, ourFields);
    const create = ({ label }: FieldDefinition): string => `Create the field “${label}” of ${module}`;
    const options = (await optionsMissing(account, module)).map(
      ({ field, option }) => `Add “${option}” to the list ${field.field_label} of ${module}`,
    );
    steps.push(...stepsOf(lack, { create, mismatch: mismatchIn(module) }, options));
  }
  if ((await conversationModuleIn(account)) !== undefined || account.facts.now().timelineIn === inNotes)
    return steps;
  const { edition } = await readOrg(account.client);
  const action =
    `Create the module “${conversationModule.plural}”, one row a conversation and day on each person, or, where the ` +
    `edition of this account (${edition}) has no modules of one's own, write conversations as notes`;
  return [...steps, { action, possible: true }];
}

/**
 * Brings our fields to Leads and Contacts, and our module of conversations where the edition has such. What exists is left as
 * it is, so this may be repeated, and two processes may do it at once: whoever comes second finds the names taken and reads
 * again.
 *
 * Throws `SangamError`: `property_mismatch` (never) when a field of our name is of another kind, `not_provisioned` (never) when
 * Zoho does not take one, and what the client throws.
 */
export async function provisionFields(account: ZohoAccount, apiBase: string): Promise<void> {
  account.schema.forget();
  for (const module of personModules) {
    await createMissing(account, module, ourFields);
    await addOptions(account, module);
  }
  await saveFacts(account, apiBase, await provisionTimeline(account));
}

async function createMissing(
  account: ZohoAccount,
  module: string,
  wanted: readonly FieldDefinition[],
): Promise<void> {
  const { missing, mismatched } = await lackIn(account, module, wanted);
  const [first] = mismatched;
  if (first !== undefined) {
    throw new SangamError({
      code: 'property_mismatch',
      origin: 'crm',
      retry: 'never',
      message: `${mismatchIn(module)(first)}, then let Sangam set up its fields again.`,
    });
  }
  if (missing.length === 0) return;
  let why = '';
  for (let start = 0; start < missing.length; start += fieldsPerCreate) {
    const some = missing.slice(start, start + fieldsPerCreate);
    const answer = await createFieldsOf(account.client, module, some.map(inForm));
    if (!answer.ok) {
      if (answer.refusal.code === 'missing_scope') throw await lacking(account, answer.refusal);
      if (answer.refusal.code !== 'batch_refused') throw refusalError(answer.refusal);
      why = answer.refusal.explanation;
    } else {
      const refused = answer.body.fields.find(({ code }) => code !== success);
      if (refused !== undefined)
        why = `${refused.code}${refused.message === undefined ? '' : `, ${refused.message}`}`;
    }
  }
  account.schema.forget();
  const still = (await lackIn(account, module, wanted)).missing.map(({ label }) => label);
  if (still.length === 0) return;
  const { edition } = await readOrg(account.client);
  throw notProvisioned(
    `Zoho CRM did not take the fields ${still.join(', ')} of ${module} (${why}). Its edition is ${edition}: make room for them, or give ` +
      'the user who connected the right to change fields.',
  );
}

async function lackIn(
  { schema }: ZohoAccount,
  module: string,
  wanted: readonly FieldDefinition[],
): Promise<Lack<FieldDefinition>> {
  const there = await schema.of(module);
  const customs = [...there.values()].filter(({ custom_field: custom }) => custom);
  const found = wanted.flatMap(({ name, label }) => {
    const field =
      there.get(name) ??
      customs.find(({ api_name: other }) => other.endsWith(`__${name}`)) ??
      customs.find(({ field_label: shown }) => shown === label);
    return field === undefined ? [] : [{ name, field }];
  });
  return lackOf(wanted, found, fits);
}

/** A field of our name and another kind would refuse every write, or let two records hold one contact id. */
function fits({ type, unique }: FieldDefinition, { field }: { readonly field: ZohoField }): boolean {
  const sameType = field.data_type === type || (type === 'textarea' && field.data_type === 'text');
  return sameType && (unique !== true || isUnique(field));
}

function mismatchIn(module: string): (wanted: FieldDefinition) => string {
  return ({ label, type, unique }) =>
    `Zoho CRM's ${module} already have a field “${label}”, but not of type ${type}${unique === true ? ' with unique values' : ''}: ` +
    'rename or delete it';
}

function inForm({ label, type, length, unique, options, looksUp, tip }: FieldDefinition): object {
  return {
    field_label: label,
    data_type: type,
    ...(length === undefined ? {} : { length }),
    ...(unique === true ? { unique: { case_sensitive: false } } : {}),
    ...(type === 'textarea' && length !== undefined ? { textarea: { type: 'large' } } : {}),
    ...(tip === undefined ? {} : { tooltip: { name: 'static_text', value: tip } }),
    ...(options === undefined
      ? {}
      : { pick_list_values: options.map((value) => ({ display_value: value, actual_value: value })) }),
    ...(looksUp === undefined
      ? {}
      : { lookup: { module: { api_name: looksUp }, display_label: conversationModule.plural } }),
  };
}

async function optionsMissing(
  { schema }: ZohoAccount,
  module: string,
): Promise<{ readonly field: ZohoField; readonly option: string }[]> {
  const there = await schema.of(module);
  return Object.entries(wantedOptions).flatMap(([name, option]) => {
    const field = there.get(name);
    const has = field?.pick_list_values.some(({ actual_value: value }) => value === option);
    return field === undefined || has === true ? [] : [{ field, option }];
  });
}

/** A list people choose from; what we write is taken all the same. docs/vendors/zoho.md §3.1 */
async function addOptions(account: ZohoAccount, module: string): Promise<void> {
  for (const { field, option } of await optionsMissing(account, module)) {
    const kept = field.pick_list_values.map(({ id, display_value: shown, actual_value: value }) => ({
      ...(id === undefined ? {} : { id }),
      display_value: shown,
      actual_value: value,
    }));
    const added = { display_value: option, actual_value: option };
    const change = { pick_list_values: [...kept, added] };
    await changeFieldOf(account.client, module, field.id, change);
  }
}

/** Our module as this account calls it; undefined: there is none. */
async function conversationModuleIn({ client }: ZohoAccount): Promise<string | undefined> {
  const { name } = conversationModule;
  const names = (await listModules(client)).map((one) => one.name);
  return names.find((one) => one === name) ?? names.find((one) => one.endsWith(`__${name}`));
}

/** Where entries are kept from now on. Notes once chosen stay chosen: entries stand there. */
async function provisionTimeline(account: ZohoAccount): Promise<string> {
  const found = await conversationModuleIn(account);
  if (found === undefined && account.facts.now().timelineIn === inNotes) return inNotes;
  if (found === undefined) {
    const users = await listUsers(account.client);
    const profiles = [...new Set(users.flatMap(({ profile }) => profile?.id ?? []))];
    const answer = await createModule(account.client, conversationModule, profiles);
    if (!answer.ok && answer.refusal.code === 'missing_scope' && answer.refusal.said === 'NO_PERMISSION')
      return inNotes;
    if (!answer.ok && answer.refusal.code !== 'batch_refused') throw refusalError(answer.refusal);
    account.schema.forget();
  }
  const module = found ?? (await conversationModuleIn(account));
  if (module === undefined) return inNotes;
  // What an extension brought has its fields already.
  if (module === conversationModule.name)
    await createMissing(account, module, Object.values(conversationFields));
  return module;
}

async function lacking(account: ZohoAccount, refusal: Refusal): Promise<SangamError> {
  const { edition } = await readOrg(account.client);
  const message = `${refusal.explanation} The edition of this account is ${edition}.`;
  return new SangamError({ code: refusal.code, origin: 'crm', retry: 'never', message });
}
