import { connection } from "next/server";

import { countSkills } from "@/lib/skills";

export default async function SkillsPage() {
  await connection(); // rendered for each request, never at build time
  const skills = await countSkills();
  return (
    <main>
      <h1>Skills</h1>
      <ul>
        {Object.entries(skills).map(([category, number]) => (
          <li key={category}>
            {category}: {number}
          </li>
        ))}
      </ul>
    </main>
  );
}
