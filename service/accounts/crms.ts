import type { Crm } from '@sangam/connectors/registry';
import { traitsWith } from '@sangam/core/crm';
import { SangamError } from '@sangam/core/errors';
import type { TraitsOf } from '@sangam/core/work';

/** The CRMs this process serves, by their names. */
export interface Crms {
  readonly all: readonly Crm[];
  /** Undefined: there is no connector for it. */
  of(name: string): Crm | undefined;
  /** Throws `SangamError` `unknown_crm` where there is none. */
  get(name: string): Crm;
  readonly traitsOf: TraitsOf;
}

export function createCrms(all: readonly Crm[]): Crms {
  const byName = new Map(all.map((crm) => [crm.traits.crm, crm]));
  return {
    all,
    of: (name) => byName.get(name),
    get(name) {
      const crm = byName.get(name);
      if (crm === undefined) throw unknownCrm(name);
      return crm;
    },
    traitsOf({ crm, facts }) {
      const traits = byName.get(crm)?.traits;
      return traits === undefined ? undefined : traitsWith(traits, facts);
    },
  };
}

function unknownCrm(crm: string): SangamError {
  return new SangamError({
    code: 'unknown_crm',
    origin: 'us',
    retry: 'never',
    message: `There is no connector for '${crm}'.`,
  });
}
