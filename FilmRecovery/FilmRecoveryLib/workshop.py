"""What the commands train and evaluate do for CT Film Recovery."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from InverseImagingLib.models import Weights, own_weights

from .evaluation.cases import cases
from .evaluation.films import evaluate_films
from .evaluation.methods import methods_of
from .evaluation.tables import summary
from .training.lessons import train, training_options

NETWORK = "film"

__all__ = ["NETWORK", "evaluate_weights", "summary", "train", "training_options"]


def evaluate_weights(data: Path, weights: Weights, say: Callable[[str], None] = print, **paper: str) -> dict[str, Any]:
    """The evaluation of the model on the test films of a folder, beside its peers; see evaluation.

    paper: files with weights of the paper's network, by the name of its variant, "" for none. Raises InputError.
    """
    variants = {name: own_weights(file) for name, file in paper.items() if file}
    scores = evaluate_films(cases(data), methods_of(weights, say, **variants), weights, say)
    return {**weights.facts(), **scores}
