"""Which weights the networks get. Needs no torch."""

from __future__ import annotations

from InverseImagingLib.errors import InputError
from InverseImagingLib.models import Weights, find_weights, own_weights


def weights_of(path: str, otherwise: str, warnings: list[str]) -> Weights | None:
    """The weights in a file of the user's own, or for an empty path those of the model.

    Where the model has none, None, and a warning says what is done otherwise. Raises InputError for another file.
    """
    if path:
        return own_weights(path)
    try:
        return find_weights("FilmRecovery", "film")
    except InputError as error:
        warnings.append(f"{otherwise}: {error}")
        return None


def weights_of_letters() -> Weights | None:
    """The weights of the network that sees letters; None where the model has none."""
    try:
        return find_weights("FilmRecovery", "letters")
    except InputError:
        return None
