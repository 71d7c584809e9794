import { runSkill } from "@/lib/skills";

export async function POST(_request: Request, { params }: RouteContext<"/skills/[skill]/run">): Promise<Response> {
  const { skill } = await params;
  return Response.json(await runSkill(skill));
}
