import type { z } from 'zod';
import type { CrmEntry } from './crm.ts';
import { hubspot } from './hubspot/index.ts';
import { zoho } from './zoho/index.ts';

/** The CRMs to play with, by their names: each is mounted under `/sandbox/{name}`. */
export const simulators = { hubspot, zoho } as const satisfies Readonly<Record<string, CrmEntry>>;

export type SimulatorName = keyof typeof simulators;

/** Rules of CRMs that nobody has confirmed live. */
export type CrmRules = {
  readonly [Name in SimulatorName]: Partial<z.output<(typeof simulators)[Name]['rules']>>;
};
