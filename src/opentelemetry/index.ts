/** `shardloom/opentelemetry`: traces and metrics of a loom, through the OpenTelemetry API package, an optional peer. */
export { openTelemetry, type OpenTelemetryOptions } from './open-telemetry.js'
