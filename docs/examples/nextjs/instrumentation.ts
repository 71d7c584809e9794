import type { Instrumentation } from "next";

import { telemetry } from "./telemetry";

/** Next calls this once, before the server takes its first request. */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME === "nodejs") {
    const { start } = await telemetry();
    start();
  }
}

/** Next calls this for every error of a page, a route handler or a server action. */
export const onRequestError: Instrumentation.onRequestError = async (error, request, context) => {
  const { report } = await telemetry();
  report?.(error, request, context);
};
