import tracer from "dd-trace";

import type { Tags } from ".";

/**
 * The SDK itself reads `DD_SERVICE`, `DD_VERSION`, `DD_TRACE_SAMPLE_RATE`, `DD_TRACE_AGENT_URL` and the like.
 *
 * It must be loaded before Next to see the HTTP server: `NODE_OPTIONS="--require dd-trace/init"`. Then this does nothing.
 */
export function start(): void {
  tracer.init();
}

export function traced<T>(name: string, work: () => Promise<T>): Promise<T> {
  return tracer.trace(name, work);
}

export function count(name: string, tags: Tags): void {
  tracer.dogstatsd.increment(name, 1, tags);
}

export function duration(name: string, seconds: number, tags: Tags): void {
  tracer.dogstatsd.distribution(name, seconds, tags);
}
