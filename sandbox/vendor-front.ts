import { setTimeout as wait } from 'node:timers/promises';
import type { Request, RequestHandler, Response } from 'express';
import type { Calls } from './calls.ts';
import type { SandboxClock } from './clock.ts';
import type { CallTrouble, CrmSimulator, VendorCall, VendorRequest } from './crm.ts';
import type { Fault, Faults } from './faults.ts';
import { answerGarbage } from './garbage.ts';
import { type Answer, bodyBytes, bodyText, send } from './http.ts';
import { createLateCalls } from './late-calls.ts';

export interface VendorFront {
  readonly handler: RequestHandler;
  /** Forgets changes that were still to be made late. */
  close(): void;
}

/** A vendor's API as its front knows it. */
interface Vendor extends Pick<CrmSimulator, 'failure'> {
  call(request: VendorRequest, incoming: Request): VendorCall | Promise<VendorCall>;
}

/** The way of every call of a vendor's API: counted, hit by a fault or not, done, journalled, answered. */
export function createVendorFront({
  vendor,
  calls,
  faults,
  clock,
  written,
}: {
  vendor: Vendor;
  calls: Calls;
  faults: Faults;
  clock: SandboxClock;
  written: () => Promise<void>;
}): VendorFront {
  const late = createLateCalls(clock);

  const answer = async (response: Response, call: VendorCall, trouble?: CallTrouble): Promise<Answer> => {
    const made = call.run(trouble);
    await written();
    send(response, made);
    return made;
  };

  /** What was answered in the vendor's own words. */
  const answerFaultily = async (
    response: Response,
    call: VendorCall,
    fault: Fault,
  ): Promise<Answer | undefined> => {
    const { status, code, hangMs } = fault;
    const trouble: CallTrouble = {
      readAt: fault.readLagMs === undefined ? undefined : clock.now() - fault.readLagMs,
      refusedItem: () => faults.nextItem(),
    };
    if (fault.latencyMs !== undefined) await wait(fault.latencyMs);
    if (fault.commitAfterMs !== undefined) late.add(() => call.run(), fault.commitAfterMs);
    if (fault.garbage !== undefined) {
      const made = fault.garbage === 'html' ? undefined : call.run(trouble);
      await written();
      await answerGarbage(response, fault.garbage, made, status);
      return undefined;
    }
    if (status !== undefined || code !== undefined) {
      const failure = vendor.failure({ status, code });
      send(response, failure);
      return failure;
    }
    if (fault.redirectTo !== undefined) {
      response.writeHead(307, { location: fault.redirectTo }).end();
      return undefined;
    }
    const cut = fault.dropConnection ?? (hangMs === undefined ? undefined : 'before');
    if (cut === undefined && fault.commitAfterMs === undefined) {
      return await answer(response, call, trouble);
    }
    if (cut === 'after' && fault.commitAfterMs === undefined) {
      call.run(trouble);
      await written();
    }
    if (hangMs !== undefined) await untilLeft(response, hangMs);
    response.destroy();
    return undefined;
  };

  return {
    async handler(request, response) {
      const call = await vendor.call(vendorRequest(request), request);
      calls.count(call.operation);
      const fault = call.fault ?? faults.next(call.operation);
      let answered: Answer | undefined;
      try {
        answered =
          fault === undefined ? await answer(response, call) : await answerFaultily(response, call, fault);
      } finally {
        call.end?.(answered);
      }
    },
    close() {
      late.close();
    },
  };
}

/** At most so long: whoever hangs up first is waited for no more. */
async function untilLeft(response: Response, ms: number): Promise<void> {
  const left = new AbortController();
  response.once('close', () => left.abort());
  await wait(ms, undefined, { signal: left.signal }).catch(() => undefined);
}

function vendorRequest(request: Request): VendorRequest {
  const mark = request.url.indexOf('?');
  return {
    method: request.method,
    path: mark === -1 ? request.url : request.url.slice(0, mark),
    query: new URLSearchParams(mark === -1 ? '' : request.url.slice(mark + 1)),
    headers: request.headers,
    bytes: bodyBytes(request),
    get text() {
      return bodyText(request);
    },
  };
}
