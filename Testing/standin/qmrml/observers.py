"""VTK observers that end with the widget that owns them."""

from __future__ import annotations

from collections.abc import Callable

import shiboken6
import vtk


class Observers:
    """Observers of VTK objects; a callback is not called once the owner's C++ widget is deleted."""

    def __init__(self, owner) -> None:
        self._owner = owner
        self._observed: list[tuple[vtk.vtkObject, int]] = []

    def add(self, observed, event, callback: Callable[[], None]) -> None:
        """Call `callback()` at each event."""

        def on_event(caller, event):
            if self._is_alive():
                callback()

        self._observed.append((observed, observed.AddObserver(event, on_event)))

    def add_with_node(self, observed, event, callback: Callable) -> None:
        """Call `callback(node)` at each event that carries a node."""

        @vtk.calldata_type(vtk.VTK_OBJECT)
        def on_event(caller, event, node):
            if self._is_alive():
                callback(node)

        self._observed.append((observed, observed.AddObserver(event, on_event)))

    def remove_all(self) -> None:
        """Observe nothing any more."""
        for observed, tag in self._observed:
            observed.RemoveObserver(tag)
        self._observed = []

    def _is_alive(self) -> bool:
        if shiboken6.isValid(self._owner):
            return True
        self.remove_all()
        return False
