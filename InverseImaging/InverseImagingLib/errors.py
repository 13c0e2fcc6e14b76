"""How a run ends without a result, and what the user reads then."""

import sys


class InputError(ValueError):
    """What the user gave cannot be used. The message is one sentence that names it and says what to do."""


class Cancelled(Exception):
    """The user cancelled the run; nothing of it is kept."""


def sentence(error: BaseException, where_details_are: str) -> str:
    """One sentence for the user about what went wrong, and what to do."""
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, ModuleNotFoundError):
        return f"The Python package '{error.name}' is missing in {sys.executable}; install it, then try again."
    if isinstance(error, MemoryError):
        return "The computer ran out of memory; choose fewer slices or a smaller image."
    return f"An unexpected error stopped the run ({type(error).__name__}: {error}); {where_details_are}."
