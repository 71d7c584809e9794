import { metrics, SpanStatusCode, trace } from "@opentelemetry/api";
import { UndiciInstrumentation } from "@opentelemetry/instrumentation-undici";
import { NodeSDK } from "@opentelemetry/sdk-node";

import type { Tags } from ".";

const SCOPE = "skills-web";
/** In seconds, as OpenTelemetry's conventions have them for HTTP; the SDK's own boundaries are for milliseconds. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** The SDK itself reads `OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER`, `OTEL_EXPORTER_OTLP_ENDPOINT` and the like. */
export function start(): void {
  process.env.NEXT_OTEL_FETCH_DISABLED = "1"; // Next's own span of a fetch would be a second one
  new NodeSDK({ instrumentations: [new UndiciInstrumentation()] }).start();
}

export function traced<T>(name: string, work: () => Promise<T>): Promise<T> {
  return trace.getTracer(SCOPE).startActiveSpan(name, async (span) => {
    try {
      return await work();
    } catch (error) {
      span.recordException(error as Error);
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}

export function count(name: string, tags: Tags): void {
  metrics.getMeter(SCOPE).createCounter(name).add(1, tags);
}

export function duration(name: string, seconds: number, tags: Tags): void {
  const advice = { explicitBucketBoundaries: BUCKETS };
  metrics.getMeter(SCOPE).createHistogram(name, { unit: "s", advice }).record(seconds, tags);
}
