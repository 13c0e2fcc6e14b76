"""Qt's own warnings: printed, but for what the offscreen platform says at every window."""

from __future__ import annotations

import atexit
import sys

from PySide6 import QtCore

NOISE = ("This plugin does not support propagateSizeHints()",)


def install() -> None:
    """Take over Qt's messages until Python ends."""
    QtCore.qInstallMessageHandler(_print)
    atexit.register(QtCore.qInstallMessageHandler, None)


def _print(kind, context, text: str) -> None:
    if text not in NOISE:
        print(f"Qt: {text}", file=sys.stderr)
