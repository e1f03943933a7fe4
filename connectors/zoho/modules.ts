/** The modules of people's records. A record id is `Leads/<id>` or `Contacts/<id>`: two modules may hold one person. */

export const personModules = ['Leads', 'Contacts'] as const;
export type PersonModule = (typeof personModules)[number];

/** A contact goes before a lead. */
export const rankOf: Readonly<Record<PersonModule, number>> = { Contacts: 0, Leads: 1 };

export function recordIdOf(module: string, id: string): string {
  return `${module}/${id}`;
}

export function isPersonModule(name: string | undefined): name is PersonModule {
  return personModules.some((one) => one === name);
}

/** Undefined: the id is none of ours. */
export function partsOf(
  recordId: string,
): { readonly module: PersonModule; readonly id: string } | undefined {
  const [module, id, ...more] = recordId.split('/');
  return isPersonModule(module) && id !== undefined && /^\d+$/.test(id) && more.length === 0
    ? { module, id }
    : undefined;
}

/** By module, each record once; what is no id of ours is left out: there is no such record. */
export function byModule(recordIds: readonly string[]): ReadonlyMap<PersonModule, readonly string[]> {
  const found = new Map<PersonModule, string[]>();
  for (const recordId of new Set(recordIds)) {
    const parts = partsOf(recordId);
    if (parts === undefined) continue;
    const ids = found.get(parts.module);
    if (ids === undefined) found.set(parts.module, [parts.id]);
    else ids.push(parts.id);
  }
  return found;
}

export function typeOf(recordId: string): string {
  return recordId.split('/', 1)[0] ?? '';
}
