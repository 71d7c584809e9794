"""Markdown: the few forms that a handbook has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["code", "escaped", "fenced", "table"]


def code(text: str) -> str:
    """Give a text as code, within a line."""
    return f"`{text}`" if "`" not in text else f"`` {text} ``"


def escaped(text: str) -> str:
    """Give a text of a person's in one line, in which nothing is markup."""
    line = " ".join(text.split())
    return "".join(f"\\{one}" if one in "\\`*_[]<>|#" else one for one in line)


def fenced(text: str, language: str) -> str:
    """Give a block of code, between fences that are longer than any in it."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text}\n{fence}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Give a table; nothing without rows."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        return ""
    return "\n".join([f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |", *lines])
