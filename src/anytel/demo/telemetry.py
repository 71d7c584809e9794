"""What the demo service measures, declared once."""

from __future__ import annotations

import anytel

__all__ = [
    "ACTIVE_USERS",
    "CATEGORIES",
    "DB_QUERY_TIME",
    "MCP_CALLS",
    "RESPONSE_TIME",
    "SKILLS",
    "SKILLS_COUNT",
    "SKILLS_EXECUTIONS",
    "TRINITY_SCORE",
    "UNIQUE_FRAGMENTS",
]

SKILLS = {
    "fragment-refresh": "content",
    "fragment-preview": "content",
    "page-publish": "content",
    "page-translate": "content",
    "page-summarise": "content",
    "image-resize": "media",
    "image-describe": "media",
    "audio-transcribe": "media",
    "video-thumbnail": "media",
    "link-check": "quality",
    "schema-check": "quality",
    "tone-check": "quality",
    "contrast-check": "quality",
    "spelling-check": "quality",
    "search-index": "data",
    "search-query": "data",
    "feed-import": "data",
    "feed-export": "data",
    "legacy-sync": "data",
}
"""The skills by name, each with its category."""

CATEGORIES = tuple(sorted(set(SKILLS.values())))
_ENDPOINTS = ("revalidate", "skills")

MCP_CALLS = anytel.Counter(
    "mcp.calls",
    tags={"type": ("revalidate", "execute"), "endpoint": _ENDPOINTS},
    unit="{call}",
    description="Calls of the MCP server",
    owner="mcp",
)
ACTIVE_USERS = anytel.Gauge(
    "active.users",
    unit="{user}",
    description="Users whose request is being served",
    owner="api",
)
RESPONSE_TIME = anytel.Distribution(
    "response.time",
    tags={"endpoint": _ENDPOINTS},
    unit="s",
    description="Time to serve a request that was let in",
    owner="api",
)
DB_QUERY_TIME = anytel.Histogram(
    "db.query.time",
    tags={"operation": ("select", "upsert")},
    unit="s",
    description="Time of a query of the fragment store",
    owner="storage",
    buckets=(0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01),
)
UNIQUE_FRAGMENTS = anytel.Set(
    "unique.fragments",
    description="Fragments that were revalidated",
    owner="content",
)
TRINITY_SCORE = anytel.Gauge(
    "trinity.score",
    tags={"pillar": ("truth", "goodness", "beauty")},
    description="Trinity score of all revalidations so far, from 0 to 100",
    owner="kingdom",
)
SKILLS_EXECUTIONS = anytel.Counter(
    "skills.executions",
    tags={"skill_id": tuple(SKILLS), "category": CATEGORIES, "status": ("ok", "error")},
    unit="{execution}",
    description="Executions of skills",
    owner="skills",
)
SKILLS_COUNT = anytel.Gauge(
    "skills.count",
    tags={"category": CATEGORIES},
    unit="{skill}",
    description="Skills on offer",
    owner="skills",
)
