import type { Found } from './operation.ts';

/** Scopes a call wants, one of each list. docs/vendors/zoho.md §1.2. */

const kinds: Readonly<Record<string, string>> = {
  GET: 'READ',
  POST: 'CREATE',
  PUT: 'UPDATE',
  PATCH: 'UPDATE',
  DELETE: 'DELETE',
};

/** By the beginning of a template's path. */
const families: readonly (readonly [begins: string, scope: string])[] = [
  ['/settings/fields', 'ZohoCRM.settings.fields'],
  ['/settings/modules', 'ZohoCRM.settings.modules'],
  ['/settings/related_lists', 'ZohoCRM.settings.related_lists'],
  ['/settings/automation/workflow_rules', 'ZohoCRM.settings.workflow_rules'],
  ['/settings/automation', 'ZohoCRM.settings.automation_actions'],
  ['/actions/watch', 'ZohoCRM.notifications'],
  ['/org', 'ZohoCRM.org'],
  ['/users', 'ZohoCRM.users'],
  ['/coql', 'ZohoCRM.coql'],
];

export function allows(granted: readonly string[], { template, module }: Found): boolean {
  const has = new Set(granted.map((scope) => scope.toLowerCase()));
  const [method = '', path = ''] = template.split(' ');
  const kind = path === '/coql' ? 'READ' : (kinds[method] ?? 'READ');
  const any = (scope: string): boolean =>
    [
      `${scope}.ALL`,
      `${scope}.${kind}`,
      ...(kind === 'CREATE' || kind === 'UPDATE' ? [`${scope}.WRITE`] : []),
    ].some((one) => has.has(one.toLowerCase()));
  const family = families.find(([begins]) => path.startsWith(begins))?.[1];
  if (family !== undefined) {
    return any(family) || (family.startsWith('ZohoCRM.settings.') && any('ZohoCRM.settings'));
  }
  const name = module?.custom === true ? 'custom' : (module?.api_name ?? 'Leads');
  const ofModule = any('ZohoCRM.modules') || any(`ZohoCRM.modules.${name}`);
  return path.endsWith('/search') ? ofModule && has.has('zohosearch.securesearch.read') : ofModule;
}
