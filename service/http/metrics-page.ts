import { type RequestHandler, Router } from 'express';
import { isLoopback } from '@sangam/core/loopback';
import type { Metrics } from '../monitoring/metrics.ts';
import { isBearer } from '../secrets/same-secret.ts';
import { answerError, otherMethods } from './errors.ts';

export interface MetricsSettings {
  /** Of their own; undefined: they are beside everything else. */
  readonly port?: number | undefined;
  /** Whoever reads them presents it as a bearer. */
  readonly token?: string | undefined;
}

/** Who may read `/metrics`. */
export type MetricsReaders = 'anybody' | 'nobody' | { readonly token: string };

/**
 * On a port of their own they are for whoever reaches it. Beside everything else they are open on loopback alone, and only
 * while no proxy on this machine brings the world here.
 */
export function metricsReaders(
  { port, token }: MetricsSettings,
  listening: { readonly host: string; readonly publicUrl: string | undefined },
): MetricsReaders {
  if (token !== undefined) return { token };
  const { host, publicUrl } = listening;
  const local = isLoopback(host) && (publicUrl === undefined || isLoopback(new URL(publicUrl).hostname));
  return port !== undefined || local ? 'anybody' : 'nobody';
}

/** What Prometheus reads. */
export function metricsPage(metrics: Metrics, readers: MetricsReaders): Router {
  const admit: RequestHandler = (request, response, next) => {
    if (readers === 'anybody') next();
    else if (readers === 'nobody') {
      answerError(
        response,
        403,
        'metrics_closed',
        'Beyond this machine metrics want METRICS_TOKEN, or a port of their own by METRICS_PORT.',
      );
    } else if (isBearer(request.headers, readers.token)) next();
    else answerError(response, 401, 'wrong_metrics_token', 'Present METRICS_TOKEN as a bearer token.');
  };
  const router = Router();
  router.get('/metrics', admit, async (_request, response) => {
    response.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });
  router.all('/metrics', otherMethods('GET'));
  return router;
}
