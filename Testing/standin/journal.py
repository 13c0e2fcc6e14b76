"""What a user would have seen: errors raised in slots, and dialogs that would have waited for a click.

`errors` holds tracebacks, `messages` every dialog, status text and installation request, `answers` what the next
confirmation dialogs get (True accepts, False declines; without an entry a dialog is accepted).
"""

from __future__ import annotations

import sys
import traceback
from typing import NamedTuple


class Message(NamedTuple):
    """A text shown to the user. `kind` is info, warning, error, question, delay, dialog, status, install or restart."""

    kind: str
    text: str
    detail: str = ""


errors: list[str] = []
messages: list[Message] = []
answers: list[bool] = []


def clear() -> None:
    """Forget everything recorded so far."""
    errors.clear()
    messages.clear()
    answers.clear()


def record_exception(*exception) -> None:
    """Keep and print an exception that Qt or VTK would only have printed (a `sys.excepthook`)."""
    exception = exception or sys.exc_info()
    errors.append("".join(traceback.format_exception(*exception)))
    traceback.print_exception(*exception)


def record_message(kind: str, text: str, detail: str = "") -> None:
    """Keep a text that the user would have seen."""
    messages.append(Message(kind, text, detail))


def next_answer() -> bool:
    """The answer to the dialog that is being asked now."""
    return answers.pop(0) if answers else True
