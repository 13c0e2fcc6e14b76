"""A method beside others: means over patients, and by how much it is better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..training.bodies import kind_of
from .scores import interval

Scores = Mapping[str, Mapping[str, float]]  # values of metrics by what is scored, and by name


def comparison(found: Mapping[str, Mapping[str, Scores]], ours: str) -> dict[str, Any]:
    """What follows from the scores of methods, ours among them, on bodies: {body: {method: {what: {metric: value}}}}.

    Returns, JSON-ready, bodies: the scores. means: {method: {what: {metric: {"mean", "low", "high", "count"}}}} with
    bootstrap intervals over bodies; gains: the same of ours less each other method, body by body; kinds: {kind of
    body: means}. A method need not have all that others have, nor on every body.
    """
    everyone = list(found.values())
    kinds: dict[str, list[Mapping[str, Scores]]] = {}
    for body, rows in found.items():
        kinds.setdefault(kind_of(body), []).append(rows)
    others = [name for name in everyone[0] if name != ours]
    return {
        "bodies": found,
        "means": _means(everyone),
        "gains": _means([{name: _less(rows[ours], rows[name]) for name in others} for rows in everyone]),
        "kinds": {kind: _means(some) for kind, some in kinds.items()},
    }


def _less(ours: Scores, theirs: Scores) -> Scores:
    return {
        what: {metric: value - theirs[what][metric] for metric, value in row.items()}
        for what, row in ours.items()
        if what in theirs
    }


def _means(found: Sequence[Mapping[str, Scores]]) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    return {name: _mean([rows[name] for rows in found]) for name in found[0]}


def _mean(rows: Sequence[Scores]) -> dict[str, dict[str, dict[str, float]]]:
    each: dict[str, list[Mapping[str, float]]] = {}
    for row in rows:
        for what, score in row.items():
            each.setdefault(what, []).append(score)
    return {
        what: {metric: interval([score[metric] for score in scores]) for metric in scores[0]}
        for what, scores in each.items()
    }
