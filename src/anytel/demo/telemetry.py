"""What the demo service measures, what is promised of it, and when somebody is told: declared once."""

from __future__ import annotations

import anytel
from anytel import asgi

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

_RUNBOOKS = "https://runbooks.example.com/afo-kingdom"

_AVAILABILITY = anytel.SLO(
    "availability",
    objective="0.999",
    window="30d",
    sli=anytel.Ratio(bad=anytel.Stat(asgi.DURATION, where={"http.response.status_code": "5*"}), total=asgi.DURATION),
    min_events=500,
    description="Requests are answered without a failure of ours",
    runbook=f"{_RUNBOOKS}/availability",
    owner="api",
)
anytel.SLO(
    "latency",
    objective="0.99",
    window="30d",
    sli=anytel.Latency(RESPONSE_TIME, le=0.5),
    min_events=500,
    description="Requests are answered within half a second",
    runbook=f"{_RUNBOOKS}/latency",
)
anytel.SLO(
    "skills",
    objective="0.98",
    window="7d",
    sli=anytel.Ratio(good=anytel.Stat(SKILLS_EXECUTIONS, where={"status": "ok"}), total=SKILLS_EXECUTIONS),
    min_events=100,
    description="Skills do what they were asked for",
    runbook=f"{_RUNBOOKS}/skills",
)

anytel.Alert(
    "SlowResponses",
    anytel.Stat(RESPONSE_TIME, "p95", by="endpoint") > 2,
    severity="warning",
    message="95 % of the answers of {endpoint} take up to {value}, and {threshold} is what we want.",
    runbook=f"{_RUNBOOKS}/latency",
)
anytel.Alert(
    "McpErrors",
    anytel.Ratio(
        bad=anytel.Stat(SKILLS_EXECUTIONS, where={"status": "error"}),
        total=anytel.Stat(SKILLS_EXECUTIONS, by="category"),
    )
    > 0.05,
    severity="warning",
    message="{value} of the executions of {category} skills fail.",
    runbook=f"{_RUNBOOKS}/skills",
)
anytel.Alert(
    "McpCallsMissing",
    anytel.Stat(MCP_CALLS, window="10m") <= 0,
    severity="critical",
    for_="10m",
    no_data="10m",
    message="Nobody has called the MCP server for a while.",
    runbook=f"{_RUNBOOKS}/mcp",
)
anytel.Alert(
    "SlowQueries",
    anytel.Stat(DB_QUERY_TIME, "p99", by="operation") > 0.005,
    severity="info",
    for_="15m",
    message="1 % of the {operation} queries take longer than {threshold}.",
    runbook=f"{_RUNBOOKS}/storage",
)
anytel.Alert(
    "TrinityScoreLow",
    anytel.Stat(TRINITY_SCORE, "min", by="pillar") < 80,
    severity="warning",
    for_="30m",
    message="The {pillar} of the kingdom is {value} of 100.",
    runbook=f"{_RUNBOOKS}/trinity",
)
anytel.Alert(
    "TooManyUsers",
    anytel.Stat(ACTIVE_USERS, "sum") > 500,
    severity="warning",
    message="{value} users are being served at once; beyond {threshold} the answers get slow.",
    runbook=f"{_RUNBOOKS}/capacity",
)

anytel.Receiver("kingdom", slack="#afo-alerts", default=True)
anytel.Receiver(
    "oncall",
    slack="#afo-oncall",
    email="oncall@afo-kingdom.example.com",
    owners=("api", "mcp", "skills"),
    severities="critical",
)
anytel.Mute("weekends", days=("saturday", "sunday"), timezone="Asia/Seoul")

_FAILED = anytel.Stat(SKILLS_EXECUTIONS, where={"status": "error"})
_ERRORS = {"http.response.status_code": ("4*", "5*")}

anytel.View("Success", _AVAILABILITY, row="Now", style=anytel.Style(text_size=48, decimals=2))
anytel.View("Active users", anytel.Stat(ACTIVE_USERS, "sum"), row="Now", drawn="gauge")
anytel.View("Unique fragments", UNIQUE_FRAGMENTS, row="Now")
anytel.View("Requests per second", anytel.Stat(asgi.DURATION, "rate"), row="Now", drawn="stat")
anytel.View(
    "Requests",
    anytel.Stat(asgi.DURATION, by="http.route"),
    row="Requests",
    style=anytel.Style(graph="area", stack="normal", gradient="opacity"),
)
anytel.View(
    "Response time",
    anytel.Stat(RESPONSE_TIME, "p95", by="endpoint"),
    row="Requests",
    style=anytel.Style(limits="line+area", calcs=("mean", "max", "lastNotNull")),
)
anytel.View("Response times", RESPONSE_TIME, row="Requests", drawn="heatmap")
anytel.View(
    "Speed and load",
    anytel.Stat(RESPONSE_TIME, "p50"),
    anytel.Stat(RESPONSE_TIME, "rate"),
    row="Requests",
    style=anytel.Style(scale="log10", fill=0),
)
anytel.View(
    "Requests by endpoint",
    anytel.Stat(asgi.DURATION, by=("http.route", "http.request.method")),
    row="Requests",
    drawn="table",
)
anytel.View(
    "Errors",
    anytel.Stat(asgi.DURATION, "increase", by="http.response.status_code", where=_ERRORS),
    row="Requests",
    drawn="piechart",
)
anytel.View("MCP calls", anytel.Stat(MCP_CALLS, by="type"), row="MCP", drawn="bargauge")
anytel.View("Calls over time", anytel.Stat(MCP_CALLS, by="type"), row="MCP", style=anytel.Style(graph="bars"))
anytel.View("Executions of skills", anytel.Stat(SKILLS_EXECUTIONS, by=("category", "status")), row="MCP", drawn="table")
anytel.View("Failing skills", anytel.Ratio(bad=_FAILED, total=anytel.Stat(SKILLS_EXECUTIONS, by="category")), row="MCP")
anytel.View("Queries", DB_QUERY_TIME, row="Kingdom", style=anytel.Style(scale="log10"))
anytel.View("Trinity score", anytel.Stat(TRINITY_SCORE, "min", by="pillar"), row="Kingdom")
anytel.View("Log lines", row="Logs", drawn="logs", description="Type a trace id above to see its lines only.")
