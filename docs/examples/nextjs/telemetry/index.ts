import type { Instrumentation } from "next";

export type Tags = Record<string, string>;

/** What the application needs of a vendor. Each of the three modules beside this one is one. */
export interface Telemetry {
  /** Starts the vendor's SDK. */
  start(): void;
  /** Runs `work` in a span, which is an error where `work` rejects. */
  traced<T>(name: string, work: () => Promise<T>): Promise<T>;
  count(name: string, tags: Tags): void;
  /** Records how long something took, in seconds. */
  duration(name: string, seconds: number, tags: Tags): void;
  /** Reports an error of a request, where that is more than the error of its spans. */
  report?: Instrumentation.onRequestError;
}

/** Gives the vendor that `SKILLS_TELEMETRY` names. The SDKs of the others are not loaded. */
export async function telemetry(): Promise<Telemetry> {
  const backend = process.env.SKILLS_TELEMETRY;
  switch (backend) {
    case "sentry":
      return import("./sentry");
    case "datadog":
      return import("./datadog");
    case "otlp":
      return import("./otlp");
    default:
      throw new Error(`SKILLS_TELEMETRY is ${backend ?? "not set"}: use sentry, datadog or otlp`);
  }
}
