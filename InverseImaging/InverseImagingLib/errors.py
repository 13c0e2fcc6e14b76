"""The two ways in which a run ends without a result and without being a fault of the program."""


class InputError(ValueError):
    """What the user gave cannot be used. The message is one sentence that names it and says what to do."""


class Cancelled(Exception):
    """The user cancelled the run; nothing of it is kept."""
