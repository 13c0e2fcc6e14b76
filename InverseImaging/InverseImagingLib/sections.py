"""A module that does several things: one tab for each, with a panel of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import qt
import slicer
from slicer.i18n import tr as _

from .errors import InputError


class Section:
    """One tab: what RunPanel takes for the module's widget. Its maker gives it the attribute panel.

    widget: the module's widget; name: of the .ui file in the module's Resources/UI.
    """

    panel: Any

    def __init__(self, widget: Any, logic: Any, name: str) -> None:
        self.logic, self.resourcePath = logic, widget.resourcePath
        self.root = slicer.util.loadUI(widget.resourcePath(f"UI/{name}.ui"))
        self.root.setMRMLScene(slicer.mrmlScene)
        self.ui = slicer.util.childWidgetVariables(self.root)

    def enter(self) -> None:
        self.panel.enter()

    def exit(self) -> None:
        self.panel.exit()

    def cleanup(self) -> None:
        self.panel.cleanup()

    def chooseWeights(self) -> None:
        """Choose weights of one's own."""
        path = qt.QFileDialog.getOpenFileName(self.root, _("Choose weights"), "", _("Weights") + " (*.safetensors)")
        if path:
            self.panel.parameters.weights = path

    def chooseFiles(self, title: str, kinds: str) -> list[Path]:
        """Files that the user wants to open; none when that was cancelled."""
        return [Path(path) for path in qt.QFileDialog.getOpenFileNames(self.root, title, "", kinds)]

    def saveAnimation(self, views: Sequence[np.ndarray], name: str, *, around: bool = False) -> None:
        """Write views as an animated GIF where the user wants it; see write_animation."""
        from .animation import write_animation

        def write(path: Path) -> None:
            write_animation(views, path, around=around)

        self.save(write, _("Save animation"), name, _("Animated GIF") + " (*.gif)", _("Animation written to {path}."))

    def save(self, write: Callable[[Path], None], title: str, name: str, kinds: str, done: str) -> None:
        """Write something where the user wants it, and say so. Asks with a title, a name to begin with, and the kinds
        of files."""
        path = qt.QFileDialog.getSaveFileName(self.root, title, name, kinds)
        if not path:
            return
        try:
            write(Path(path))
        except InputError as error:
            self.ui.statusLabel.text = str(error)
        else:
            self.ui.statusLabel.text = done.format(path=path)


class Sections:
    """The tabs of a module, by their titles. The one that is open is entered and left with the module."""

    def __init__(self, sections: Mapping[str, Section]) -> None:
        self.tabs = qt.QTabWidget()
        self._sections, self._entered = list(sections.values()), False
        for title, section in sections.items():
            self.tabs.addTab(section.root, title)
        self._open = self._sections[0]
        self.tabs.connect("currentChanged(int)", self._onTab)

    def show(self, section: Section) -> None:
        """Open a section's tab."""
        self.tabs.currentIndex = self._sections.index(section)

    def enter(self) -> None:
        self._entered = True
        self._open.enter()

    def exit(self) -> None:
        self._entered = False
        self._open.exit()

    def cleanup(self) -> None:
        for section in self._sections:
            section.cleanup()

    def _onTab(self, index: int) -> None:
        if self._entered:
            self._open.exit()
            self._sections[index].enter()
        self._open = self._sections[index]
