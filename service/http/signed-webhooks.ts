import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Request, RequestHandler, Response } from 'express';
import type { Metrics } from '../monitoring/metrics.ts';
import type { RepeatedErrors } from '../monitoring/repeated-errors.ts';
import { answerError, answerUnread } from './errors.ts';
import { requestIdOf } from './request-id.ts';

/** What differs from one vendor's webhooks to the next. */
export interface SignedWebhook<Signer> {
  /** Who could have signed it, judged before the body is read; undefined when nobody could, or there is no such route. */
  readonly signerOf: (request: Request) => Promise<Signer | undefined>;
  readonly isSigned: (body: Buffer, request: Request, signer: Signer) => boolean;
  /** What its traces call it. */
  readonly vendor: string;
  /** What a 401 says. */
  readonly badSignature: string;
  readonly largestBody: number;
  /** Stores what was signed; what it answers is sent as JSON. Throws when it could not be stored. */
  readonly take: (body: Buffer, signer: Signer, request: Request) => Promise<object | undefined>;
}

interface WebhookLocals<Signer> {
  signer: Signer;
  /** On the monotonic clock. */
  started: number;
}

/** Makes the handlers of a signed webhook: only a bad signature is a 401, only what could not be stored a 503. */
export function createSignedWebhooks(dependencies: {
  readBody: (mostBytes: number) => RequestHandler;
  metrics: Metrics;
  errors: RepeatedErrors;
}): <Signer>(webhook: SignedWebhook<Signer>) => RequestHandler[] {
  const { readBody, metrics, errors } = dependencies;

  const answered = (status: number, started: number): void => {
    metrics.webhooks.inc({ answer: String(status) });
    metrics.webhookSeconds.observe((performance.now() - started) / 1000);
  };

  return <Signer>(webhook: SignedWebhook<Signer>) => {
    const refuse = (response: Response, started: number): void => {
      answerUnread(response, 401, 'bad_signature', webhook.badSignature);
      answered(401, started);
    };

    const identify: RequestHandler = async (request, response, next) => {
      const started = performance.now();
      const signer = await webhook.signerOf(request);
      if (signer === undefined) {
        refuse(response, started);
        return;
      }
      Object.assign(response.locals, { signer, started });
      next();
    };

    const receive: RequestHandler = async (request, response) => {
      const { signer, started } = response.locals as WebhookLocals<Signer>;
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      if (!webhook.isSigned(body, request, signer)) {
        refuse(response, started);
        return;
      }
      try {
        const answer = await traced(() => webhook.take(body, signer, request), webhook.vendor);
        if (answer === undefined) response.status(200).end();
        else response.json(answer);
        answered(200, started);
      } catch (error) {
        errors.tell('a webhook could not be stored; the sender will repeat it', error, {
          requestId: requestIdOf(response),
        });
        answerError(response, 503, 'not_stored', 'The webhook could not be stored just now. Send it again.');
        answered(503, started);
      }
    };

    return [identify, readBody(webhook.largestBody), receive];
  };
}

/** The first span of an event's trace: what it takes in carries it along. Without OpenTelemetry's SDK, nothing. */
function traced<Result>(work: () => Promise<Result>, vendor: string): Promise<Result> {
  const attributes = { 'sangam.vendor': vendor };
  return trace
    .getTracer('sangam')
    .startActiveSpan('receive', { kind: SpanKind.SERVER, attributes }, async (span) => {
      try {
        return await work();
      } catch (error) {
        span.setStatus({ code: SpanStatusCode.ERROR, message: 'not_stored' });
        throw error;
      } finally {
        span.end();
      }
    });
}
