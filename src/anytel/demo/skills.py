"""The skills: what there is, and running one."""

from __future__ import annotations

from collections import Counter

import anytel
from anytel.demo import mcp
from anytel.demo.telemetry import SKILLS, SKILLS_COUNT, SKILLS_EXECUTIONS

__all__ = ["count", "run"]

log = anytel.get_logger(__name__)


def count() -> dict[str, int]:
    """Give the number of skills by category, and publish it."""
    counts = dict(sorted(Counter(SKILLS.values()).items()))
    for category, number in counts.items():
        SKILLS_COUNT.set(number, {"category": category})
    return counts


@anytel.traced("skills.run", record=("skill_id",))
async def run(skill_id: str) -> bool:
    """Run a skill; whether it succeeded. A failure is reported, and no exception.

    Raises:
        KeyError: There is no such skill.
    """
    tags = {"skill_id": skill_id, "category": SKILLS[skill_id]}
    try:
        await mcp.call("execute", skill_id, endpoint="skills")
    except mcp.McpError as exc:
        anytel.capture_exception(exc, {"skill.id": skill_id})
        SKILLS_EXECUTIONS.add(1, {**tags, "status": "error"})
        log.warning("skill_failed", skill_id=skill_id, reason=str(exc))
        return False
    SKILLS_EXECUTIONS.add(1, {**tags, "status": "ok"})
    return True
