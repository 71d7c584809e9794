import { withSentryConfig } from "@sentry/nextjs/config";
import type { NextConfig } from "next";

const config: NextConfig = {
  serverExternalPackages: ["@opentelemetry/instrumentation-undici", "@opentelemetry/sdk-node"],
};

// Sentry's build step; the other vendors have none. It uploads no source maps, and reports nothing about itself.
export default withSentryConfig(config, { silent: true, sourcemaps: { disable: true }, telemetry: false });
