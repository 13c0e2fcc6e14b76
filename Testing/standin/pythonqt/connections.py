"""`object.connect("clicked(bool)", slot)`: signals by signature, slots called with the arguments that they declare."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable

import shiboken6
from PySide6 import QtCore

from .. import journal

_qt_connect = QtCore.QObject.connect
_qt_disconnect = QtCore.QObject.disconnect
_connected: dict[tuple[int, str], list[tuple[Callable, Callable]]] = {}
_pending_timers: set[QtCore.QTimer] = set()


def install() -> None:
    """Replace QTimer.singleShot (attributes.py puts connect and disconnect in place)."""
    QtCore.QObject.delete = lambda self: shiboken6.delete(self)
    QtCore.QTimer.singleShot = staticmethod(single_shot)


def arguments_wanted(slot: Callable) -> int | None:
    """How many arguments PythonQt passes to `slot` at most: all it declares, defaults included; None means all it has.

    Functions with *args and other callables (functools.partial, built-in functions) get all of them.
    """
    function = slot.__func__ if isinstance(slot, types.MethodType) else slot
    if not isinstance(function, types.FunctionType) or function.__code__.co_flags & inspect.CO_VARARGS:
        return None
    return function.__code__.co_argcount - isinstance(slot, types.MethodType)


def connect(self: QtCore.QObject, signature: str, slot, member: str = "") -> bool:
    """Call `slot`, or the slot named `member` of the object `slot`, when the signal is emitted.

    Raises:
        RuntimeError: No such signal. PythonQt prints this and returns False; a test shall not pass over it.
    """
    slot = _callable(slot, member)
    normalized = _normalized(signature)
    wanted = arguments_wanted(slot)

    def call(*arguments):
        try:
            slot(*arguments[:wanted])
        except Exception:
            journal.record_exception()

    signal = _aliased(self, normalized)
    if signal is not None:
        signal.connect(call)
    elif self.metaObject().indexOfSignal(normalized) >= 0:
        _qt_connect(self, QtCore.SIGNAL(normalized), call)
    else:
        raise RuntimeError(f"{class_name(self)} has no signal {signature!r} (PythonQt only prints this)")
    _connected.setdefault(_key(self, normalized), []).append((slot, call))
    return True


def disconnect(self: QtCore.QObject, signature: str, slot=None, member: str = "") -> bool:
    """Undo connect for one slot, or for all of the signal; False where the slot was not connected."""
    slot = _callable(slot, member) if slot is not None else None
    normalized = _normalized(signature)
    signal = _aliased(self, normalized)
    connected = _connected.get(_key(self, normalized), [])
    for entry in list(connected):
        if slot is None or entry[0] == slot:
            connected.remove(entry)
            signal.disconnect(entry[1]) if signal else _qt_disconnect(self, QtCore.SIGNAL(normalized), entry[1])
            if slot is not None:
                return True
    return slot is None


def single_shot(milliseconds: int, slot, member: str = "") -> None:
    """QTimer.singleShot(milliseconds, callable), or (milliseconds, object, "slot()")."""
    slot = _callable(slot, member)
    timer = QtCore.QTimer(QtCore.QCoreApplication.instance())
    _pending_timers.add(timer)

    def call():
        _pending_timers.discard(timer)
        timer.deleteLater()
        slot()

    timer.setSingleShot(True)
    connect(timer, "timeout()", call)
    timer.start(int(milliseconds))


def class_name(self: QtCore.QObject) -> str:
    """QObject.className(), a method of PythonQt."""
    return type(self).__name__ if "_is_native" in vars(type(self)) else self.metaObject().className()


def _callable(slot, member: str) -> Callable:
    slot = getattr(slot, member.split("(")[0]) if member else slot
    if not callable(slot):
        raise TypeError(f"connect: slot {slot!r} is not callable")
    return slot


def _normalized(signature: str) -> str:
    return bytes(QtCore.QMetaObject.normalizedSignature(signature)).decode()


def _aliased(self: QtCore.QObject, normalized: str):
    name = getattr(type(self), "signal_aliases", {}).get(normalized)
    return getattr(self, name) if name else None


def _key(self: QtCore.QObject, normalized: str) -> tuple[int, str]:
    return shiboken6.getCppPointer(self)[0], normalized
