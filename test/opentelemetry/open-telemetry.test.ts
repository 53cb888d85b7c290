/** Traces and metrics of a loom, exported by the real SDK. */
import { context, propagation, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { openTelemetry } from '../../src/opentelemetry/index.js'
import { activity, workflow } from '../../src/workflow/define.js'
import { open, rejection, reopenable, until } from '../loom/rig.js'

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
})
afterAll(() => {
  context.disable()
  propagation.disable()
})

function traced() {
  const exporter = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  const named = (name: string): ReadableSpan[] => exporter.getFinishedSpans().filter((span) => span.name === name)
  const one = (name: string): ReadableSpan => {
    expect(named(name), name).toHaveLength(1)
    return named(name)[0]!
  }
  return { exporter, named, one, interceptor: openTelemetry({ tracer: provider.getTracer('test') }) }
}

const seen: (string | undefined)[] = []
const charge = activity({ name: 'charge' }, () => {
  seen.push(trace.getActiveSpan()?.spanContext().traceId)
  return 'receipt'
})
const order = workflow({ name: 'order', signals: { pay: z.undefined() } }, async (ctx) => {
  await ctx.signal('pay')
  return await ctx.run(charge)
})

test('a start, its workflow tasks and its activities are one trace', async () => {
  const { interceptor, one, named } = traced()
  const loom = await open({ definitions: [order, charge], interceptors: [interceptor] })
  const handle = await loom.start(order, { workflowId: 'o' })
  await handle.signal('pay')
  await handle.result()
  await until(() => named('WorkflowTask:order').length === 3)

  const start = one('StartWorkflow:order')
  const { traceId, spanId } = start.spanContext()
  const tasks = named('WorkflowTask:order')
  for (const task of tasks) {
    expect(task.spanContext().traceId).toBe(traceId)
    expect(task.parentSpanContext?.spanId).toBe(spanId)
  }
  const attempt = one('RunActivity:charge')
  expect(attempt.spanContext().traceId).toBe(traceId)
  expect(tasks.map((task) => task.spanContext().spanId)).toContain(attempt.parentSpanContext?.spanId)
  expect(seen.at(-1)).toBe(traceId)
  expect(attempt.attributes).toMatchObject({ 'shardloom.workflow_id': 'o', 'shardloom.run_id': handle.runId })
  // A signal is a message of its own.
  expect(one('SignalWorkflow:pay').spanContext().traceId).not.toBe(traceId)
})

test('a replay makes no spans, and the trace goes on where it was', async () => {
  const { open: reopen } = reopenable()
  const before = traced()
  const first = await reopen({ definitions: [order, charge], interceptors: [before.interceptor] })
  const handle = await first.start(order, { workflowId: 'o' })
  await first.close()

  const after = traced()
  const second = await reopen({ definitions: [order, charge], interceptors: [after.interceptor] })
  await second.handle(order, 'o', handle.runId).signal('pay')
  await second.handle(order, 'o').result()
  await until(() => after.named('WorkflowTask:order').length === 2)

  const { traceId } = before.one('StartWorkflow:order').spanContext()
  expect(after.one('RunActivity:charge').spanContext().traceId).toBe(traceId)
  expect(after.named('StartWorkflow:order')).toEqual([])
  await second.close()
})

test('what fails shows in its span', async () => {
  const { interceptor, one, named } = traced()
  const broken = activity({ name: 'broken', retry: { maximumAttempts: 1 } }, () => {
    throw new Error('no luck')
  })
  const w = workflow({ name: 'w' }, async (ctx) => ctx.run(broken))
  const loom = await open({ definitions: [w, broken, order], interceptors: [interceptor] })
  await rejection(loom.execute(w, { workflowId: 'w' }))
  await rejection(loom.handle(order, 'nobody').signal('pay'))
  await until(() => named('RunActivity:broken').length === 1)

  expect(one('RunActivity:broken').status).toMatchObject({ message: 'no luck' })
  expect(one('SignalWorkflow:pay').events[0]?.name).toBe('exception')
})

test('numbers of the host are read when they are collected', async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1e6 })
  const provider = new MeterProvider({ readers: [reader] })
  const { open: reopen } = reopenable()
  const loom = await reopen({
    definitions: [order, charge],
    interceptors: [openTelemetry({ meter: provider.getMeter('test') })],
  })
  const naps = await loom.start(order, { workflowId: 'o' })
  await naps.signal('pay')
  await naps.result()

  const collected = async (): Promise<Map<string, number>> => {
    exporter.reset()
    await reader.forceFlush()
    const metrics = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))
    return new Map(
      metrics.map(({ descriptor, dataPoints }) => {
        const value = dataPoints[0]?.value as number | { count: number } | undefined
        return [descriptor.name, typeof value === 'object' ? value.count : (value ?? 0)]
      }),
    )
  }
  const numbers = await collected()
  const stats = loom.admin.stats()
  expect(numbers.get('shardloom.transitions')).toBe(stats.turnCount)
  expect(numbers.get('shardloom.commits')).toBe(stats.flushCount)
  expect(numbers.get('shardloom.transition.latency')).toBe(stats.flushCount)
  expect(numbers.get('shardloom.executions.stalled')).toBe(0)
  await loom.close()
})
