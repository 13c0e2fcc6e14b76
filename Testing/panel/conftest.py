"""Fixtures of the tests of the panels that show their result live."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def tabs(scene: Any, open_panel: Callable, monkeypatch: pytest.MonkeyPatch) -> Any:
    """X-ray Synthesis, with a worker that only pretends to compute."""
    from test_job import ScriptedPlace

    monkeypatch.setattr("InverseImagingLib.panel.computePlace", ScriptedPlace)
    return open_panel("XraySyn")


@pytest.fixture
def xraysyn(tabs: Any) -> Any:
    """The tab From a CT."""
    tabs.sections.show(tabs.fromCT)
    return tabs.fromCT


@pytest.fixture
def from_radiograph(tabs: Any) -> Any:
    """The tab From a radiograph, which is the one that is open at first."""
    return tabs.fromRadiograph


@pytest.fixture
def tomography(scene: Any, open_panel: Callable, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The panel of X-ray Tomography, with a worker that only pretends to compute."""
    from test_job import ScriptedPlace

    monkeypatch.setattr("InverseImagingLib.panel.computePlace", ScriptedPlace)
    return open_panel("XrayTomography").section


@pytest.fixture
def ct2rgb(scene: Any, open_panel: Callable, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The panel of CT2RGB, with a worker that only pretends to compute."""
    from test_job import ScriptedPlace

    monkeypatch.setattr("InverseImagingLib.panel.computePlace", ScriptedPlace)
    return open_panel("CT2RGB").section


@pytest.fixture
def film(scene: Any, open_panel: Callable, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The panel of CT Film Recovery, with a worker that only pretends to compute."""
    from test_job import ScriptedPlace

    monkeypatch.setattr("InverseImagingLib.panel.computePlace", ScriptedPlace)
    return open_panel("FilmRecovery").section


@pytest.fixture
def idle(xraysyn: Any, settled: Callable) -> Callable:
    """Waits until neither a run nor a preview goes on or is about to."""
    return functools.partial(settled, xraysyn)


@pytest.fixture
def settled(wait_until: Callable) -> Callable:
    """Waits until neither a run nor a preview of a section goes on or is about to."""

    def wait(section: Any, seconds: float = 30) -> None:
        runner, settling = section.panel._runner, section.panel._settling
        wait_until(lambda: not (runner.isRunning or settling.isActive() or section.panel.isRunning), seconds)

    return wait
