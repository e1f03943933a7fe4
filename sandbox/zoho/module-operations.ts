import { z } from 'zod';
import {
  answerError,
  invalidData,
  mandatoryMissing,
  noPermission,
  place,
  toItem,
  zohoError,
  type ZohoError,
} from './errors.ts';
import { adminProfile } from './field.ts';
import type { Module } from './module.ts';
import type { Context, Operations } from './operation.ts';
import { appUser, editions, org, type User, users } from './org.ts';
import { customModuleFields } from './standard-fields.ts';
import { placeIn } from './read-operations.ts';

const labelMax = 25;
const modulesBody = z.object({
  modules: z
    .array(
      z.looseObject({
        singular_label: z.string().optional(),
        plural_label: z.string().optional(),
        api_name: z.string().optional(),
        profiles: z.array(z.looseObject({ id: z.string() })).optional(),
        display_field: z.looseObject({ field_label: z.string(), data_type: z.string() }).optional(),
      }),
    )
    .length(1),
});
type Asked = z.infer<typeof modulesBody>['modules'][number];

/** Modules, the org and its users. docs/vendors/zoho.md §3.2, §3.3. */
export function moduleOperations({ state }: Context): Operations {
  const objectionTo = ({
    singular_label: singular,
    plural_label: plural,
    api_name: name,
  }: Asked): ZohoError | undefined => {
    const path = 'modules[0]';
    if (singular === undefined) return mandatoryMissing(place(path, 'singular_label'));
    if (plural === undefined) return mandatoryMissing(place(path, 'plural_label'));
    for (const [api, label] of Object.entries({ singular_label: singular, plural_label: plural })) {
      if (label.length > labelMax) return invalidData(place(path, api), { maximum_length: labelMax });
      if (!/^[\da-z ]+$/i.test(label)) return invalidData(place(path, api));
    }
    const taken = [...state.modules.values()].some(
      (one) => one.api_name === name || one.plural_label === plural || one.singular_label === singular,
    );
    return taken
      ? zohoError('DUPLICATE_DATA', 'duplicate data', { ...place(path, 'plural_label') })
      : undefined;
  };

  return {
    'GET /settings/modules': () => ({
      status: 200,
      body: { modules: [...state.modules.values()].map(toApiModule) },
    }),
    'GET /settings/modules/{name}': ({ ids: [name] }) => {
      const module = [...state.modules.values()].find((one) => one.api_name === name || one.id === name);
      return module === undefined
        ? answerError(
            zohoError('INVALID_MODULE', 'the module name given seems to be invalid', {
              resource_path_index: 0,
            }),
          )
        : { status: 200, body: { modules: [toApiModule(module)] } };
    },
    'POST /settings/modules': ({ body }) => {
      const { edition, profile } = state.rules();
      if (!editions[edition].modules)
        return answerError(noPermission('feature not available in your edition', ['feature']));
      if (profile !== 'Administrator')
        return answerError(noPermission('permission denied', ['Crm_Implied_Customize_Zoho_CRM']));
      const [asked] = modulesBody.safeParse(body).data?.modules ?? [];
      if (asked === undefined)
        return answerError(invalidData({ api_name: 'modules', json_path: '$.modules' }));
      const objection = objectionTo(asked);
      if (objection !== undefined) return { status: 400, body: { modules: [toItem(objection)] } };
      const {
        singular_label: singular = '',
        plural_label: plural = '',
        api_name: given,
        display_field: display,
      } = asked;
      const id = state.takeMetadataId();
      const facts = {
        id,
        api_name: given ?? plural.replaceAll(' ', '_'),
        singular_label: singular,
        plural_label: plural,
        custom: true,
      };
      state.addModule(
        facts,
        customModuleFields(display?.field_label ?? `${singular} Name`, () => state.takeMetadataId()),
      );
      const item = {
        code: 'SUCCESS',
        details: { id },
        message: 'module created successfully',
        status: 'success',
      };
      return { status: 201, body: { modules: [item] } };
    },

    'GET /settings/related_lists': ({ query }) => {
      const module = state.modules.get(query.get('module') ?? '');
      if (module === undefined) {
        return answerError(
          zohoError('INVALID_MODULE', 'the module name given seems to be invalid', { param_name: 'module' }),
        );
      }
      const lists = [...state.modules.values()]
        .filter((one) => one.api_name === 'Notes' || lookupsTo(one, module.api_name).length > 0)
        .map((one) => ({
          id: `${one.id.slice(0, -6)}8${one.id.slice(-5)}`,
          api_name: one.api_name,
          display_label: one.plural_label,
          module: { api_name: one.api_name, id: one.id },
          name: one.plural_label,
          type: one.custom ? 'custom' : 'default',
        }));
      return { status: 200, body: { related_lists: lists } };
    },

    'GET /org': () => {
      const { edition } = state.rules();
      const paid = edition !== 'free';
      const license = {
        paid_expiry: null,
        users_license_purchased: users.length,
        trial_type: null,
        trial_expiry: null,
        paid,
        paid_type: edition,
      };
      return {
        status: 200,
        body: {
          org: [
            {
              ...org,
              type: 'Production',
              max_per_page: 200,
              primary_email: appUser.email,
              license_details: license,
            },
          ],
        },
      };
    },

    'GET /users': ({ query }) => {
      const { page, perPage } = placeIn(query);
      const kind = query.get('type') ?? 'AllUsers';
      const all = kind === 'CurrentUser' ? [appUser] : users;
      const shown = all.slice((page - 1) * perPage, page * perPage);
      if (shown.length === 0) return { status: 204 };
      const info = {
        per_page: perPage,
        count: shown.length,
        page,
        more_records: all.length > page * perPage,
      };
      return {
        status: 200,
        body: { users: shown.map((user) => toApiUser(user, state.rules().profile)), info },
      };
    },
    'GET /users/{id}': ({ ids: [id] }) => {
      const user = users.find((one) => one.id === id);
      return user === undefined
        ? { status: 204 }
        : { status: 200, body: { users: [toApiUser(user, state.rules().profile)] } };
    },
  };
}

/** Fields of a module by which its records stand on those of another. */
export function lookupsTo({ custom, fields }: Module, other: string): string[] {
  return custom
    ? [...fields.values()].flatMap(({ looks_up: to, api_name: name }) => (to === other ? [name] : []))
    : [];
}

function toApiModule({
  id,
  api_name: name,
  singular_label: singular,
  plural_label: plural,
  custom,
}: Module): object {
  return {
    id,
    api_name: name,
    module_name: plural,
    singular_label: singular,
    plural_label: plural,
    generated_type: custom ? 'custom' : 'default',
    api_supported: true,
    creatable: true,
    editable: true,
    deletable: true,
    viewable: true,
    visible: true,
    show_as_tab: true,
    convertable: name === 'Leads',
    profiles: [adminProfile],
  };
}

function toApiUser({ id, name, email }: User, profile: string): object {
  const [first = '', last = ''] = name.split(' ');
  return {
    id,
    full_name: name,
    first_name: first,
    last_name: last,
    email,
    status: 'active',
    confirm: true,
    // Whose app asks has the profile that is played; the others are administrators.
    profile: { id: adminProfile.id, name: id === appUser.id ? profile : adminProfile.name },
    role: { id: adminProfile.id.replace(/91/, '92'), name: 'CEO' },
  };
}
