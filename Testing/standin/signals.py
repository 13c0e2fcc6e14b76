"""Signals for the stand-ins that are plain Python objects where Slicer has QObjects."""

from __future__ import annotations

from collections.abc import Callable

from . import journal
from .pythonqt.connections import arguments_wanted


class Signals:
    """connect, disconnect and emit by signature; `SIGNALS` names the signals that exist."""

    SIGNALS: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._slots: dict[str, list[Callable]] = {name: [] for name in self.SIGNALS}

    def _slots_of(self, signature: str) -> list[Callable]:
        name = signature.replace(" ", "").split("(")[0]
        if name not in self._slots or "(" not in signature:
            raise RuntimeError(f"{type(self).__name__} has no signal {signature!r} (PythonQt only prints this)")
        return self._slots[name]

    def connect(self, signature: str, slot: Callable) -> bool:
        """Call `slot` whenever the signal is emitted."""
        self._slots_of(signature).append(slot)
        return True

    def disconnect(self, signature: str, slot: Callable) -> bool:
        """Undo connect; False where `slot` was not connected."""
        slots = self._slots_of(signature)
        if slot not in slots:
            return False
        slots.remove(slot)
        return True

    def emit(self, name: str, *arguments) -> None:
        """Call the slots with as many arguments as each declares; their exceptions go to the journal."""
        for slot in list(self._slots[name]):
            try:
                slot(*arguments[: arguments_wanted(slot)])
            except Exception:
                journal.record_exception()
