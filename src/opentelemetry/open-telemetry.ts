/** The interceptor that tells OpenTelemetry what a loom does. */
import { metrics, trace, type Meter, type Tracer } from '@opentelemetry/api'
import type { Interceptor } from '../client/interceptors.js'
import { metricsObserver } from './metrics.js'
import { Spans } from './spans.js'

const NAME = 'shardloom'

/** Where traces and metrics go. */
export interface OpenTelemetryOptions {
  /** Default: `trace.getTracer('shardloom')`, of the provider that the application has registered. */
  readonly tracer?: Tracer | undefined
  /** Default: `metrics.getMeter('shardloom')`. */
  readonly meter?: Meter | undefined
}

/**
 * For `openLoom({ interceptors: [openTelemetry()] })`. Spans, all of one trace from the start on: `StartWorkflow`,
 * `SignalWorkflow` and the other verbs, `WorkflowTask`, `RunActivity`; replay makes none. Metrics begin with `shardloom.`.
 *
 * The context travels in headers, which are stored with the execution: as W3C `traceparent` where the application has
 * registered that propagator, as its SDK does.
 */
export function openTelemetry({
  tracer = trace.getTracer(NAME),
  meter = metrics.getMeter(NAME),
}: OpenTelemetryOptions = {}): Interceptor {
  const spans = new Spans(tracer)
  return { client: spans.client, workflow: spans.workflow, activity: spans.activity, host: metricsObserver(meter) }
}
