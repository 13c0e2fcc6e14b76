"""The log of a training run as a picture."""

from __future__ import annotations

import csv
from pathlib import Path

from matplotlib.figure import Figure


def draw_log(log: Path, picture: Path) -> None:
    """Draw all terms of the loss in a log.csv over the steps, as PNG."""
    with log.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    terms = {name: [float(row[name]) for row in rows] for name in list(rows[0])[2:]}
    axes = (figure := Figure(figsize=(8, 5), layout="constrained")).add_subplot()
    for name, values in terms.items():
        axes.plot([int(row["step"]) for row in rows], values, label=name)
    axes.set(xlabel="step", yscale="log" if min(map(min, terms.values())) > 0 else "linear")
    axes.legend()
    figure.savefig(picture)
