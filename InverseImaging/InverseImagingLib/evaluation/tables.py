"""Tables in plain text and in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

Writer = Callable[[Sequence[Sequence[str]]], str]


def plain(rows: Sequence[Sequence[str]]) -> str:
    """Columns of even width; the first row is their heads."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.ljust(n) for cell, n in zip(row, widths, strict=True)).rstrip() for row in rows)


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """The same in Markdown."""
    head, *body = rows
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *body])


def within(score: Mapping[str, float]) -> str:
    """The interval of a mean; see scores.interval."""
    return f"({score['low']:.2f} to {score['high']:.2f})"
