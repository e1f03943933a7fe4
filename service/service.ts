import type { IncomingMessage } from 'node:http';
import express, { type Express, type Router } from 'express';
import type { Logger } from 'pino';
import type { Crm, CrmApp, CrmSettings } from '@sangam/connectors/registry';
import { type Clock, systemClock } from '@sangam/core/clock';
import type { AccountFacts } from '@sangam/core/crm';
import {
  createApplier,
  createChangeReceiver,
  createChecker,
  createDirectory,
  createReceiver,
  createPoller,
  createReconciler,
  createMediaCopier,
  createMediaDeleter,
  createSender,
  createSends,
  createSilenceWatch,
  createSweeper,
  createTimelineWriter,
} from '@sangam/core/pipeline';
import { createDeadLetters, createEraser, createCorrections } from '@sangam/core/corrections';
import { askWebhooksElsewhere, openStore, type RetentionDays, type Store } from '@sangam/core/store';
import { callPlaceMs, Dispatcher, ofConnection, QueueWorker } from '@sangam/core/work';
import { createChannels } from './channels/channels.ts';
import { createChannelSecrets } from './channels/channel-secrets.ts';
import { createWebhookRequests } from './accounts/webhook-requests.ts';
import { createSettingsCheck } from './accounts/check-settings.ts';
import { createCrmAccounts } from './accounts/crm-accounts.ts';
import { createCrms } from './accounts/crms.ts';
import type { OwnNumberReader } from './channels/own-number.ts';
import { createAtStart } from './at-start.ts';
import { signInRoutes, memberAsking, requireMember, sessionRoutes } from './http/admin.ts';
import { alertRoutes } from './http/alerts.ts';
import { apiRouter, type Route } from './http/api.ts';
import { auditRoutes } from './http/audit.ts';
import { bodyLimits, createBodyReaders } from './http/bodies.ts';
import { channelRoutes } from './http/channels.ts';
import { checkRoutes } from './http/checks.ts';
import { connectionInsightRoutes } from './http/connection-insight.ts';
import { connectionRoutes } from './http/connections.ts';
import { crmSessions } from './http/crm-sessions.ts';
import { crmWebhooks } from './http/crm-webhooks.ts';
import { contactRoutes } from './http/contacts.ts';
import { deadLetterRoutes } from './http/dead-letters.ts';
import { answerError, errorHandler, notFound } from './http/errors.ts';
import { erasureRoutes } from './http/erasures.ts';
import { healthRoutes } from './http/health.ts';
import { addressOf, listen, type Listening } from './http/listen.ts';
import { keptEventRoutes } from './http/kept-events.ts';
import { metricsPage, metricsReaders, type MetricsSettings } from './http/metrics-page.ts';
import { mediaRoutes } from './http/media.ts';
import { memberRoutes } from './http/members.ts';
import { oauthRoutes } from './http/oauth.ts';
import { correctionRoutes } from './http/corrections.ts';
import { securityHeaders } from './http/security-headers.ts';
import { requestId } from './http/request-id.ts';
import { sendRoutes } from './http/sends.ts';
import { sendingRoutes } from './http/sending.ts';
import { templateRoutes } from './http/templates.ts';
import { statementRoutes } from './http/statement.ts';
import { statusPage } from './http/status-page.ts';
import { whatsappWebhooks } from './http/whatsapp-webhooks.ts';
import { createErasureKeys } from './secrets/erasure-keys.ts';
import { createProviders } from './channels/providers.ts';
import { createNumberNames } from './channels/number-names.ts';
import { createMetrics, type Metrics } from './monitoring/metrics.ts';
import { createFailingWorkers } from './monitoring/failing-workers.ts';
import { addGauges } from './monitoring/gauges.ts';
import { createRepeatedErrors } from './monitoring/repeated-errors.ts';
import { createReports } from './monitoring/reports.ts';
import { createMediaPlaces, type MediaSettings } from './media/places.ts';
import { createRetention } from './retention.ts';
import type { SandboxUrl } from './running-sandbox.ts';
import { createSessions, type Member, type Sessions } from './members/sessions.ts';
import { createShownSessions } from './accounts/shown-sessions.ts';
import type { SecretBox } from './secrets/secrets.ts';

export interface ServiceOptions {
  readonly databaseUrl: string;
  readonly host: string;
  readonly port: number;
  readonly publicUrl: string | undefined;
  readonly metrics: MetricsSettings;
  readonly box: SecretBox;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The service's own Meta app. */
  readonly serviceApp?: { readonly secrets: readonly string[]; readonly verifyToken: string };
  readonly crms: readonly Crm[];
  /** What the environment says of each of them, by its name. */
  readonly crmSettings?: Readonly<Record<string, CrmSettings>>;
  /** The sandbox's app at each, once that is known. */
  readonly sandboxApp?: (crm: string) => CrmApp | undefined;
  /** Asks WhatsApp whose a number is. */
  readonly readOwnNumber: OwnNumberReader;
  /** Of the Graph API, such as `v26.0`. */
  readonly graphVersion: string;
  readonly retention: RetentionDays;
  /** In place of the vendors' own limits, for measuring. */
  readonly crmLimits?: AccountFacts['limits'];
  /** Where sandbox workspaces find their CRMs; undefined while no process runs a sandbox. */
  readonly sandboxUrl: SandboxUrl;
  /** Where bytes of media lie. */
  readonly media: MediaSettings;
}

/** One process of Sangam: everything built, nothing started. */
export interface Service {
  readonly store: Store;
  readonly sessions: Sessions;
  /** Who asks, by cookie or bearer token; undefined: nobody who is signed in. */
  memberAsking(request: IncomingMessage): Promise<Member | undefined>;
  /** Everything under `/api/v1`. */
  readonly apiRoutes: readonly Route[];
  readonly metrics: Metrics;
  readonly applier: QueueWorker;
  readonly reconciler: QueueWorker;
  /** Mounts a sandbox under /sandbox, in place of the one before. */
  mountSandbox(router: Router): void;
  /** Listens; throws EADDRINUSE as Node does. */
  listen(): Promise<void>;
  /** http://host:port it listens on. */
  url(): string;
  /** Where metrics have a port of their own. */
  metricsUrl(): string | undefined;
  /** Where the world reaches it. */
  publicUrl(): string;
  startWork(): void;
  /** Takes no more requests, ends the ticks under way, closes the database. */
  close(): Promise<void>;
}

/** What requests under way get to end after a signal. */
const requestsMs = 3_000;

export function createService(options: ServiceOptions): Service {
  const { clock, logger, box } = options;
  const crms = createCrms(options.crms);
  const metrics = createMetrics();
  const store = openStore(options.databaseUrl, {
    onConnectionLost: (error) => logger.warn({ err: error }, 'a database connection was lost'),
  });
  const directory = createDirectory(store);
  const channelSecrets = createChannelSecrets(store, directory, box, clock);
  // People sign in by the machine's time, whatever a sandbox's clock says.
  const sessions = createSessions(store, systemClock);

  const accounts = createCrmAccounts({
    store,
    clock,
    box,
    crms,
    settings: options.crmSettings ?? {},
    sandboxApp: (crm) => options.sandboxApp?.(crm),
    sandboxUrl: options.sandboxUrl,
    publicUrl: () => publicUrl(),
    crmLimits: options.crmLimits,
  });

  const erasureKeyOf = createErasureKeys(store, box);
  const errors = createRepeatedErrors(logger);
  const failingWorkers = createFailingWorkers({
    store,
    clock,
    errors,
    count: (step) => metrics.tickFailures.inc({ step }),
  });
  addGauges(metrics.registry, { store, clock, failing: () => failingWorkers.failing() });
  const reports = createReports(metrics, logger);
  const dispatcher = new Dispatcher(store, clock);
  const { callFailed, scanned } = reports;
  const reconciler = createReconciler({
    store,
    clock,
    dispatcher,
    connectors: accounts.connectors,
    erasureKeyOf,
    counts: {
      written: reports.recordsWritten,
      callFailed,
      failed: failingWorkers.failed('reconcile'),
    },
  });
  const timeline = createTimelineWriter({
    store,
    clock,
    dispatcher,
    connectors: accounts.connectors,
    counts: {
      written: reports.entriesWritten,
      callFailed,
      failed: failingWorkers.failed('timeline'),
    },
  });
  const applier = createApplier({
    store,
    directory,
    traitsOf: crms.traitsOf,
    erasureKeyOf,
    clock,
    dispatcher,
    counts: { applied: reports.applied, failed: failingWorkers.failed('apply') },
  });
  const receiver = createReceiver({
    store,
    directory,
    clock,
    counts: reports.receive,
  });
  const changes = createChangeReceiver({
    store,
    receiver,
    clock,
    readChanges: (crm, body) => crms.of(crm)?.readKept(body) ?? [],
  });
  const deadLetters = createDeadLetters({
    store,
    receiver,
    changes,
    clock,
  });
  const corrections = createCorrections({
    store,
    clock,
    connectors: accounts.connectors,
  });
  const checker = createChecker({
    store,
    clock,
    dispatcher,
    connectors: accounts.connectors,
    erasureKeyOf,
    counts: { scanned, callFailed, failed: failingWorkers.failed('check') },
  });
  const poller = createPoller({
    store,
    clock,
    dispatcher,
    connectors: accounts.connectors,
    erasureKeyOf,
    counts: { scanned, callFailed, failed: failingWorkers.failed('poll') },
  });
  const providers = createProviders({
    store,
    box,
    version: options.graphVersion,
    sandboxUrl: options.sandboxUrl,
  });
  const places = createMediaPlaces(options.media);
  const sender = createSender({
    store,
    clock,
    dispatcher,
    providers,
    places,
    counts: { sent: reports.sent, failed: failingWorkers.failed('send') },
  });
  const sweep = createRetention({ store, clock, days: options.retention });
  const readNumbers = createNumberNames({
    store,
    box,
    clock,
    readOwnNumber: options.readOwnNumber,
    logger,
  });
  const requestWebhooks = createWebhookRequests({
    store,
    clock,
    box,
    connectors: accounts.connectors,
    connectionSecrets: accounts.connectionSecrets,
    publicUrl: () => publicUrl(),
    counts: { callFailed },
  });
  const workers = [
    applier,
    reconciler,
    timeline,
    checker.worker,
    poller.worker,
    sender,
    createMediaCopier({
      store,
      clock,
      dispatcher,
      providers,
      places,
      failed: failingWorkers.failed('media'),
    }),
    createMediaDeleter({ store, clock, dispatcher, places, failed: failingWorkers.failed('media') }),
    createSweeper({ store, clock, dispatcher, failed: failingWorkers.failed('sweep') }),
    createSilenceWatch({ store, clock, dispatcher, failed: failingWorkers.failed('sweep') }),
    new QueueWorker(dispatcher, {
      queue: 'webhooks',
      failed: failingWorkers.failed('webhooks'),
      placeMs: callPlaceMs,
      tick: ofConnection(store, async (connection) => {
        await requestWebhooks(connection);
        return 'done';
      }),
    }),
    new QueueWorker(dispatcher, {
      queue: 'retention',
      failed: failingWorkers.failed('retention'),
      tick: async ({ workspaceId }) => ({ notBefore: await sweep(workspaceId) }),
    }),
    new QueueWorker(dispatcher, {
      queue: 'numbers',
      failed: failingWorkers.failed('numbers'),
      placeMs: callPlaceMs,
      tick: async ({ workspaceId }) => ({ notBefore: await readNumbers(workspaceId) }),
    }),
  ];
  const checkSettings = createSettingsCheck({ store, clock });
  const atStart = createAtStart({
    store,
    failed: failingWorkers.failed('retention'),
    async work(workspaceId) {
      await checkSettings(workspaceId);
      await store.transact(workspaceId, (trx) => askWebhooksElsewhere(trx, publicUrl()));
    },
  });

  let sandbox: Router | undefined;
  let working = false;
  const apiRoutes: readonly Route[] = [
    ...sessionRoutes({ sessions, clock, publicUrl: () => publicUrl() }),
    ...contactRoutes({ store, clock }),
    ...sendRoutes({ store, sends: createSends({ store, clock }), providers }),
    ...mediaRoutes({ store, places, clock }),
    ...templateRoutes({ store, providers, clock }),
    ...sendingRoutes({ store, clock }),
    ...correctionRoutes({ store, corrections }),
    ...erasureRoutes({
      store,
      eraser: createEraser({ store, clock, keyOf: erasureKeyOf, traitsOf: crms.traitsOf }),
    }),
    ...memberRoutes({ store, clock }),
    ...channelRoutes(
      createChannels({
        store,
        directory,
        channelSecrets,
        readOwnNumber: options.readOwnNumber,
        box,
        clock,
        publicUrl: () => publicUrl(),
      }),
    ),
    ...connectionRoutes(accounts.connections, accounts.connecting, crms, () => publicUrl()),
    ...connectionInsightRoutes({ store, clock, connectors: accounts.connectors, erasureKeyOf }),
    ...checkRoutes({ store, clock, connectors: accounts.connectors, checker }),
    ...deadLetterRoutes({ store, deadLetters }),
    ...keptEventRoutes(store),
    ...alertRoutes({ store, clock }),
    ...statementRoutes(store),
    ...auditRoutes(store),
  ];
  const readBody = createBodyReaders(bodyLimits);
  const app: Express = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  const headers = securityHeaders(options.publicUrl?.startsWith('https:') === true);
  app.use(headers);
  app.use(requestId);
  app.use(
    '/webhooks/whatsapp',
    whatsappWebhooks({ receiver, channelSecrets, readBody, serviceApp: options.serviceApp, metrics, errors }),
  );
  for (const crm of crms.all) {
    app.use(
      `/webhooks/${crm.traits.crm}`,
      crmWebhooks(crm, {
        changeReceiver: changes,
        connectionSecrets: accounts.connectionSecrets,
        readBody,
        app: accounts.crmApps.appOf(crm.traits.crm),
        clock,
        publicUrl: () => publicUrl(),
        metrics,
        logger,
        errors,
      }),
    );
  }
  const shownSessions = createShownSessions({ store, crmApps: accounts.crmApps, clock });
  for (const crm of crms.all) {
    const dependencies = { shownSessions, readBody, clock, publicUrl: () => publicUrl() };
    app.use(`/apps/${crm.traits.crm}`, crmSessions(crm, dependencies));
  }
  app.use(
    '/oauth',
    oauthRoutes(crms, {
      connecting: accounts.connecting,
      readBody,
      publicUrl: () => publicUrl(),
      logger,
    }),
  );
  app.use(
    healthRoutes(
      store,
      { apply: applier, reconcile: reconciler, timeline, check: checker.worker },
      () => working,
    ),
  );
  const { port: metricsPort } = options.metrics;
  const readMetrics = metricsPage(metrics, metricsReaders(options.metrics, options));
  if (metricsPort === undefined) app.use(readMetrics);
  app.use('/sandbox', (request, response, next) => {
    if (sandbox === undefined) answerError(response, 404, 'no_sandbox', 'This process runs no sandbox.');
    else sandbox(request, response, next);
  });
  app.use(
    '/admin',
    signInRoutes(sessions, () => publicUrl()),
  );
  app.use(
    '/api/v1',
    apiRouter(apiRoutes, (may) => requireMember(sessions, may, () => publicUrl())),
  );
  app.use(statusPage(crms, () => sandbox !== undefined));
  app.use(notFound);
  app.use(errorHandler(logger));
  const metricsApp: Express = express();
  metricsApp.disable('x-powered-by');
  metricsApp.use(requestId, headers, readMetrics, notFound, errorHandler(logger));

  let listening: Listening | undefined;
  let metricsListening: Listening | undefined;
  const url = (): string => addressOf(options.host, listening?.port ?? options.port);
  const publicUrl = (): string => options.publicUrl ?? url();

  return {
    store,
    sessions,
    memberAsking: (request) => memberAsking(sessions, request, publicUrl()),
    apiRoutes,
    metrics,
    applier,
    reconciler,
    mountSandbox(router) {
      sandbox = router;
    },
    async listen() {
      listening = await listen(app, options.host, options.port);
      if (metricsPort !== undefined) metricsListening = await listen(metricsApp, options.host, metricsPort);
    },
    url,
    metricsUrl: () =>
      metricsListening === undefined
        ? undefined
        : `${addressOf(options.host, metricsListening.port)}/metrics`,
    publicUrl,
    startWork() {
      for (const worker of workers) worker.start();
      atStart.start();
      failingWorkers.start();
      working = true;
    },
    async close() {
      working = false;
      await Promise.all([listening?.close(requestsMs), metricsListening?.close(requestsMs)]);
      await atStart.stop();
      await Promise.all(workers.map((worker) => worker.stop()));
      await failingWorkers.stop();
      await store.close();
    },
  };
}
