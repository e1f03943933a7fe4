import { context, diag, DiagLogLevel, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Logger } from 'pino';
import { version } from '../version.ts';

export interface Tracing {
  /** Sends what is left. */
  stop(): Promise<void>;
}

/**
 * Loads OpenTelemetry's SDK behind the API that core and routes use; to be imported only where traces are wanted. The
 * exporter reads the standard OTEL_EXPORTER_OTLP_… variables itself, the resource OTEL_SERVICE_NAME and
 * OTEL_RESOURCE_ATTRIBUTES. Not the whole `sdk-node`: that brings gRPC, metrics, logs and Zipkin along.
 */
export function startTracing({ share, logger }: { share: number; logger: Logger }): Tracing {
  diag.setLogger(
    {
      error: (message) => logger.warn({ reason: message }, 'traces could not be sent'),
      warn: (message) => logger.warn({ reason: message }, 'traces could not be sent'),
      info: () => undefined,
      debug: () => undefined,
      verbose: () => undefined,
    },
    DiagLogLevel.WARN,
  );
  context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': 'sangam', 'service.version': version }))
      .merge(detectResources({ detectors: [envDetector] })),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(share) }),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
  });
  trace.setGlobalTracerProvider(provider);
  return { stop: () => provider.shutdown() };
}
