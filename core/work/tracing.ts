import {
  type Attributes,
  type Context,
  context,
  type Link,
  propagation,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';

/**
 * Traces across the inbox, by OpenTelemetry's API alone: without its SDK, which the service loads, nothing is traced and
 * nothing kept. Spans hold ids and counts.
 */

/** The trace under way, as W3C's `traceparent`, to be kept with what it takes in; undefined: nobody records it. */
export function traceUnderWay(): string | undefined {
  if (trace.getActiveSpan()?.isRecording() !== true) return undefined;
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent;
}

/** A batch that ended. */
export interface TracedBatch {
  readonly step: 'apply' | 'write records' | 'write timeline';
  /** What its items carry. */
  readonly traceparents: readonly (string | null)[];
  /** Milliseconds since the epoch, by the machine's clock. */
  readonly startedAt: number;
  readonly attributes: Attributes;
  /** A code. */
  readonly failed?: string | undefined;
}

/**
 * Tells a batch to every trace that has an event in it, as a span below the webhook that brought the event. A batch of
 * several traces also has a span of its own, linked to each of them and they to it: OpenTelemetry's way for batches of
 * messages.
 */
export function traceBatch(batch: TracedBatch): void {
  const traceparents = new Set(batch.traceparents.filter((one) => one !== null));
  if (traceparents.size === 0) return;
  const parents = [...traceparents].map((traceparent) => propagation.extract(ROOT_CONTEXT, { traceparent }));
  const links = parents.flatMap((parent) => linkTo(trace.getSpanContext(parent)));
  const whole = links.length > 1 ? linkTo(spanOf(batch, ROOT_CONTEXT, links)) : [];
  for (const parent of parents) spanOf(batch, parent, whole);
}

function linkTo(spanContext: SpanContext | undefined): Link[] {
  return spanContext === undefined ? [] : [{ context: spanContext }];
}

function spanOf(
  { step, startedAt, attributes, failed }: TracedBatch,
  parent: Context,
  links: Link[],
): SpanContext {
  const kind = step === 'apply' ? SpanKind.CONSUMER : SpanKind.CLIENT;
  const span = trace
    .getTracer('sangam')
    .startSpan(step, { kind, startTime: startedAt, links, attributes }, parent);
  if (failed !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: failed });
  span.end();
  return span.spanContext();
}
