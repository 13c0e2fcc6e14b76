"""The worker of a live panel starts before it is needed, but only where it may."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from InverseImagingLib.compute import Place, Where


def test_a_worker_starts_as_soon_as_there_is_an_image(from_radiograph: Any, wait_until: Callable) -> None:
    from xraysyn_scene import add_radiograph

    panel = from_radiograph.panel
    assert not panel._runner.hasWorker, "there is nothing to do yet"
    panel.parameters.inputVolume = add_radiograph()
    assert panel._runner.hasWorker
    assert not panel._runner.isRunning
    panel.cleanup()
    assert not panel._runner.hasWorker


@pytest.mark.parametrize("place", [Place(Where.SSH, "host"), Place(Where.PYTHON, "/no/python")])
def test_no_connection_is_made_and_nothing_said_before_a_run(
    from_radiograph: Any, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xraysyn_scene import add_radiograph

    monkeypatch.setattr("InverseImagingLib.panel.computePlace", lambda: place)
    panel = from_radiograph.panel
    panel.parameters.inputVolume = add_radiograph()
    assert not panel._runner.hasWorker
    assert panel.ui.applyButton.enabled


def test_nothing_starts_before_its_packages_are_there(
    from_radiograph: Any, messages: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import slicer.packaging
    from xraysyn_scene import add_radiograph

    monkeypatch.setattr("InverseImagingLib.panel.computePlace", Place)
    monkeypatch.setattr(slicer.packaging, "pip_check", lambda requirement: "spekpy" not in str(requirement))
    panel = from_radiograph.panel
    panel.parameters.inputVolume = add_radiograph()
    assert not panel._runner.hasWorker
    assert messages == []
