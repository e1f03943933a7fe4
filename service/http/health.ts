import { Router } from 'express';
import type { Store } from '@sangam/core/store';
import type { QueueWorker } from '@sangam/core/work';
import { answerError, otherMethods } from './errors.ts';

/** A worker that ended nothing for so long, though something is due, hangs. */
const mostStuckMs = 60_000;

/** `workers`: by what they do, as the answer names them. `isWorking`: they were started. */
export function healthRoutes(
  store: Store,
  workers: Readonly<Record<string, Pick<QueueWorker, 'stuckMs'>>>,
  isWorking: () => boolean,
): Router {
  const router = Router();
  router.get('/health/live', (_request, response) => {
    response.json({ status: 'live' });
  });

  // However many ask at once, and however long it takes: one write.
  let trying: Promise<boolean> | undefined;
  const writesGoThrough = (): Promise<boolean> => {
    trying ??= store
      .tryWrite()
      .then(
        () => true,
        () => false,
      )
      .finally(() => (trying = undefined));
    return trying;
  };
  router.get('/health/ready', async (_request, response) => {
    if (!isWorking()) {
      answerError(response, 503, 'starting', 'Sangam is still starting.');
      return;
    }
    const stuck = Object.entries(workers).find(([, worker]) => worker.stuckMs() > mostStuckMs);
    if (stuck !== undefined) {
      const [name, worker] = stuck;
      const seconds = String(Math.round(worker.stuckMs() / 1000));
      answerError(response, 503, 'worker_stuck', `Nothing of '${name}' has ended for ${seconds} s.`);
    } else if (await writesGoThrough()) response.json({ status: 'ready' });
    else answerError(response, 503, 'database_unreachable', 'The database takes no writes.');
  });
  router.all(['/health/live', '/health/ready'], otherMethods('GET'));
  return router;
}
