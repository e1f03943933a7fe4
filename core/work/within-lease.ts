import type { Connector } from '../crm/index.ts';
import type { Calls } from './calls.ts';

/** A connector none of whose calls for records or timelines begins when it could outlast the batch's lease. */
export function withinLease(connector: Connector, calls: Calls): Connector {
  const inTime =
    <Given extends readonly unknown[], Answer>(call: (...given: Given) => Promise<Answer>) =>
    async (...given: Given): Promise<Answer> => {
      calls.mustBegin();
      return call(...given);
    };
  const { timeline } = connector;
  return {
    ...connector,
    get traits() {
      return connector.traits;
    },
    read: inTime((...given: Parameters<Connector['read']>) => connector.read(...given)),
    findByContactId: inTime((...given: Parameters<Connector['findByContactId']>) =>
      connector.findByContactId(...given),
    ),
    findByPhone: inTime((...given: Parameters<Connector['findByPhone']>) => connector.findByPhone(...given)),
    create: inTime((...given: Parameters<Connector['create']>) => connector.create(...given)),
    update: inTime((...given: Parameters<Connector['update']>) => connector.update(...given)),
    timeline: {
      write: inTime((...given: Parameters<typeof timeline.write>) => timeline.write(...given)),
      find: inTime((...given: Parameters<typeof timeline.find>) => timeline.find(...given)),
      remove: inTime((...given: Parameters<typeof timeline.remove>) => timeline.remove(...given)),
    },
  };
}
