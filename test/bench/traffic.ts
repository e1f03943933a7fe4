import { status, text, type Change, webhook } from '../harness/whatsapp.ts';
import { type Prepared, sign } from './load.ts';
import type { BenchChannel } from './bench-fixture.ts';

/** Traffic as campaigns make it: of four events one is a customer's message, three are statuses. */

const streamStart = Date.now() - 3_600_000;

function personOf(index: number): { phone: string; bsuid: string; name: string } {
  return {
    phone: `9198${String(10_000_000 + index)}`,
    bsuid: `IN.${String(10_000_000_000 + index)}`,
    name: `Person ${String(index)}`,
  };
}

/** The `index`-th event of a stream over `people`; every number is another event. */
function eventAt(index: number, people: number, run: string): Change {
  const who = personOf(Math.floor(index / 4) % people);
  const at = streamStart + index;
  const step = index % 4;
  if (step === 0)
    return text(who, `wamid.${run}.in.${String(index)}`, at, 'Is the blue one in stock? I would like two.');
  const name = ['sent', 'delivered', 'read'][step - 1] ?? 'sent';
  return status(who, `wamid.${run}.out.${String(Math.floor(index / 4))}`, at, name, {
    pricing: { billable: true, pricing_model: 'PMP', type: 'regular', category: 'utility' },
  });
}

export function requestsOf(
  channel: BenchChannel,
  options: { events: number; perRequest: number; people: number; run: string; first?: number },
): Prepared[] {
  const requests: Prepared[] = [];
  const start = options.first ?? 0;
  for (let first = start; first < start + options.events; first += options.perRequest) {
    const changes = Array.from(
      { length: Math.min(options.perRequest, start + options.events - first) },
      (_, offset) => eventAt(first + offset, options.people, options.run),
    );
    requests.push(sign(Buffer.from(JSON.stringify(webhook(channel, changes))), channel.appSecret));
  }
  return requests;
}
