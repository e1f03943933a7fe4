import type { Clock } from '../../clock.ts';
import { type Deletion, dueDeletions, settleDeletions, type Store } from '../../store/index.ts';
import { type Dispatcher, QueueWorker, type TickFailed } from '../../work/index.ts';
import { alertElsewhere } from './elsewhere.ts';
import type { MediaPlaces } from './places.ts';

const atOnce = 50;
/** Another process may have what this one does not reach. */
const againMs = 10 * 60_000;

/** Deletes the bytes of people who were erased. */
export function createMediaDeleter(dependencies: {
  store: Store;
  clock: Clock;
  dispatcher: Dispatcher;
  places: MediaPlaces;
  failed: TickFailed;
}): QueueWorker {
  const { store, clock, dispatcher, places, failed } = dependencies;

  /** False: they lie with another process. */
  const remove = async ({ place: name, key }: Deletion): Promise<boolean> => {
    const place = await places.named(name);
    await place?.delete(key);
    return place !== undefined;
  };

  return new QueueWorker(dispatcher, {
    queue: 'deletions',
    failed,
    async tick({ workspaceId }) {
      const due = await store.transact(workspaceId, (trx) => dueDeletions(trx, clock.now(), atOnce));
      const done: Deletion[] = [];
      const elsewhere: Deletion[] = [];
      for (const one of due) ((await remove(one)) ? done : elsewhere).push(one);
      const now = clock.now();
      await store.transact(workspaceId, async (trx) => {
        await settleDeletions(trx, done, elsewhere, now + againMs);
        for (const place of new Set(elsewhere.map((one) => one.place))) await alertElsewhere(trx, place, now);
      });
      return due.length === atOnce ? 'more' : 'done';
    },
  });
}
