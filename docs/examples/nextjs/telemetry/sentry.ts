import * as Sentry from "@sentry/nextjs";

import { apiUrl } from "@/lib/api-url";

import type { Tags } from ".";

/** The SDK itself reads `SENTRY_DSN`, `SENTRY_TRACES_SAMPLE_RATE`, `SENTRY_ENVIRONMENT` and `SENTRY_RELEASE`. */
export function start(): void {
  Sentry.init({ tracePropagationTargets: [apiUrl] });
}

export function traced<T>(name: string, work: () => Promise<T>): Promise<T> {
  return Sentry.startSpan({ name, op: "function" }, work);
}

export function count(name: string, tags: Tags): void {
  Sentry.metrics.count(name, 1, { attributes: tags });
}

export function duration(name: string, seconds: number, tags: Tags): void {
  Sentry.metrics.distribution(name, seconds, { unit: "second", attributes: tags });
}

export const report = Sentry.captureRequestError;
