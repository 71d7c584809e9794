import { apiUrl } from "@/lib/api-url";
import { telemetry } from "@/telemetry";

/** Gives the number of skills by category. */
export async function countSkills(): Promise<Record<string, number>> {
  const { skills } = await fetchSkills<{ skills: Record<string, number> }>("/skills");
  return skills;
}

/** Runs a skill. */
export async function runSkill(skill: string): Promise<{ skill: string; status: string }> {
  return fetchSkills(`/skills/${encodeURIComponent(skill)}/run`, "POST");
}

/** Asks the Python service. The SDK gives `fetch` the headers by which the service continues the trace. */
async function fetchSkills<T>(path: string, method = "GET"): Promise<T> {
  const { traced, count, duration } = await telemetry();
  const began = performance.now();
  let outcome = "error";
  try {
    return await traced("skills.fetch", async () => {
      const response = await fetch(apiUrl + path, { method, cache: "no-store" });
      if (!response.ok) {
        throw new Error(`The skills service answered ${response.status}`);
      }
      outcome = "ok";
      return (await response.json()) as T;
    });
  } finally {
    count("skills.fetches", { outcome });
    duration("skills.fetch.duration", (performance.now() - began) / 1000, { outcome });
  }
}
