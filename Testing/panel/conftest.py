"""Fixtures of the tests of X-ray Synthesis."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def xraysyn(scene: Any, open_panel: Callable, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The tab From a CT of X-ray Synthesis, with a worker that only pretends to simulate."""
    from test_job import ScriptedPlace

    monkeypatch.setattr("InverseImagingLib.panel.computePlace", ScriptedPlace)
    widget = open_panel("XraySyn")
    widget.sections.show(widget.fromCT)
    return widget.fromCT


@pytest.fixture
def idle(xraysyn: Any, settled: Callable) -> Callable:
    """Waits until neither a run nor a preview goes on or is about to."""
    return functools.partial(settled, xraysyn)


@pytest.fixture
def from_radiograph(scene: Any, open_panel: Callable, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The tab From a radiograph of X-ray Synthesis, with a worker that only pretends to synthesize."""
    from test_job import ScriptedPlace

    monkeypatch.setattr("InverseImagingLib.panel.computePlace", ScriptedPlace)
    return open_panel("XraySyn").fromRadiograph


@pytest.fixture
def settled(wait_until: Callable) -> Callable:
    """Waits until neither a run nor a preview of a section goes on or is about to."""

    def wait(section: Any, seconds: float = 30) -> None:
        runner, settling = section.panel._runner, section.panel._settling
        wait_until(lambda: not (runner.isRunning or settling.isActive() or section.panel.isRunning), seconds)

    return wait
