import { randomUUID } from 'node:crypto';
import { Router } from 'express';
import { noteArrival } from './arrivals.ts';
import { createCalls } from './calls.ts';
import type { SandboxClock } from './clock.ts';
import { clockJournal } from './clock-journal.ts';
import { clockRoutes, crmControls } from './control.ts';
import type { CrmEntry, CrmParty } from './crm.ts';
import { createFaults } from './faults.ts';
import { guard, type SandboxAccess } from './guard.ts';
import { answering, errorHandler, ok, rawBodies, refuse, send } from './http.ts';
import { type Journal, openJournal } from './journal.ts';
import { type SimulatorName, simulators } from './registry.ts';
import type { SandboxRules } from './rules.ts';
import { targetsOf } from './targets.ts';
import { createVendorFront } from './vendor-front.ts';
import { createWhatsapp, type WhatsappOptions } from './whatsapp/index.ts';
import { whatsappRules } from './whatsapp/rules.ts';

export interface SandboxOptions {
  readonly clock: SandboxClock;
  /** `host:port` values we are reached under, asked at every request: the port may be known late. */
  readonly ownHosts: () => readonly string[];
  readonly access: SandboxAccess;
  readonly whatsapp: WhatsappOptions;
  /** Those that are not named open for nobody. */
  readonly crms?: { readonly [Name in SimulatorName]?: CrmParty };
  /** Folder of the journal, owned by one process at a time. Without it state lives in memory only. */
  readonly dataDir?: string;
  /** Which way the vendors' unconfirmed rules go at the start. */
  readonly rules?: Partial<SandboxRules>;
}

export interface Sandbox {
  /** To be mounted at `/sandbox`, before anything that reads bodies. */
  readonly router: Router;
  /** Stops deliveries and closes the journal. Webhooks not yet acknowledged go out after the next start. */
  close(): Promise<void>;
}

/**
 * A WhatsApp number and CRMs that keep their vendors' rules, over HTTP. See README.md.
 * Rejects when `rules` names what does not exist or the journal cannot be read.
 */
export function createSandbox(options: SandboxOptions): Promise<Sandbox> {
  return createSandboxOf(simulators, options);
}

/** The same with other CRMs than the registry's: `crms` and `rules` go by their names. */
export async function createSandboxOf(
  entries: Readonly<Record<string, CrmEntry>>,
  options: Omit<SandboxOptions, 'crms' | 'rules'> & {
    readonly crms?: Readonly<Record<string, CrmParty | undefined>>;
    readonly rules?: Readonly<Record<string, unknown>>;
  },
): Promise<Sandbox> {
  const { clock } = options;
  const { rules = {}, crms: parties = {} } = options;
  const opened: { journal?: Journal } = {};
  const append = (part: string) => (entry: unknown) => opened.journal?.append(part, entry);
  const written = (): Promise<void> => opened.journal?.written() ?? Promise.resolve();

  const whatsapp = createWhatsapp({
    ...options.whatsapp,
    clock,
    rules: whatsappRules.parse(rules['whatsapp'] ?? {}),
    append,
    written,
    dataDir: options.dataDir,
  });
  const mustBeTarget = targetsOf(options.ownHosts);
  const crms = Object.entries(entries).map(([name, entry]) => {
    const party = parties[name] ?? { accessToken: randomUUID() };
    return entry.open({ ...party, mustBeTarget, clock, append, written }, rules[name] ?? {});
  });
  const time = clockJournal(clock, append('clock'));
  const journal = await openJournal(options.dataDir, [
    time.part,
    ...whatsapp.journals,
    ...crms.flatMap((crm) => crm.journals),
  ]);
  opened.journal = journal;

  const router = Router();
  router.use((request, _response, next) => {
    noteArrival(request);
    next();
  });
  router.use(guard(options.ownHosts, options.access));
  router.use('/whatsapp', whatsapp.bodies);
  router.use(rawBodies());
  router.get(
    '/',
    answering(written, () =>
      ok({
        whatsapp: whatsapp.facts(),
        crms: Object.fromEntries(
          crms.map(({ name, facts }) => [name, { basePath: `/sandbox/${name}`, ...facts }]),
        ),
      }),
    ),
  );
  router.use(clockRoutes(clock, written));
  router.use('/whatsapp', whatsapp.router);
  const fronts = crms.map((crm) => {
    const calls = createCalls();
    const faults = createFaults();
    const front = createVendorFront({ vendor: crm, calls, faults, clock, written });
    router.use(`/${crm.name}`, crmControls({ crm, calls, faults, written }), front.handler);
    return front;
  });
  router.use((_request, response) =>
    send(response, refuse(404, 'not_found', 'The sandbox has no such path.')),
  );
  router.use(errorHandler);
  whatsapp.start();
  for (const crm of crms) crm.start();

  return {
    router,
    async close() {
      for (const front of fronts) front.close();
      await Promise.all(crms.map((crm) => crm.close()));
      time.close();
      await whatsapp.close();
      await journal.close();
    },
  };
}
