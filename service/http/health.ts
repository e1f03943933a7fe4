import { Router } from 'express';
import type { Store } from '@sangam/core/store';
import type { Metrics } from '../metrics.ts';
import { answerError } from './errors.ts';

/** `isWorking`: the workers run, so that what is received is also worked off. */
export function healthRoutes(store: Store, metrics: Metrics, isWorking: () => boolean): Router {
  const router = Router();
  router.get('/health/live', (_request, response) => {
    response.json({ status: 'live' });
  });
  router.get('/health/ready', async (_request, response) => {
    if (!isWorking()) {
      answerError(response, 503, 'starting', 'Sangam is still starting.');
      return;
    }
    try {
      await store.ping();
      response.json({ status: 'ready' });
    } catch {
      answerError(response, 503, 'database_unreachable', 'The database does not answer.');
    }
  });
  router.get('/metrics', async (_request, response) => {
    response.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });
  return router;
}
