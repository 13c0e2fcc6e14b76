"""Fixtures of the tests of X-ray Synthesis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def xraysyn(scene: Any, open_panel: Callable, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The panel X-ray Synthesis, with a worker that only pretends to simulate."""
    from test_job import ScriptedPlace

    monkeypatch.setattr("InverseImagingLib.panel.computePlace", ScriptedPlace)
    return open_panel("XraySyn")


@pytest.fixture
def idle(xraysyn: Any, wait_until: Callable) -> Callable:
    """Waits until neither a run nor a preview goes on or is about to."""

    def wait(seconds: float = 30) -> None:
        runner, settling = xraysyn.panel._runner, xraysyn.panel._settling
        wait_until(lambda: not (runner.isRunning or settling.isActive() or xraysyn.panel.isRunning), seconds)

    return wait
