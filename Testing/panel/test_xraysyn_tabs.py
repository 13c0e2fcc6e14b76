"""Both tabs of X-ray Synthesis: runs that are cancelled, fail, or lose their scene or their panel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from xraysyn_scene import add_ct, add_radiograph, everything, red, rendering_of

both = pytest.mark.parametrize(
    ("tab", "add"), [("xraysyn", add_ct), ("from_radiograph", add_radiograph)], indirect=["tab"]
)


@pytest.fixture
def tab(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


@both
def test_cancel_leaves_the_scene_as_it_was(
    tab: Any, add: Callable, scene: Any, wait_until: Callable, settled: Callable
) -> None:
    tab.panel.parameters.inputVolume = add("slow")
    before = everything(scene)
    for button in (tab.ui.applyButton, tab.ui.sweepButton):
        button.click()
        wait_until(lambda: "step 4" in tab.ui.statusLabel.text, 30)
        tab.ui.applyButton.click()
        settled(tab, 5)
        assert everything(scene) == before
        assert tab.ui.statusLabel.text == "Cancelled; the scene is as it was."


@both
def test_a_failed_run_says_so(tab: Any, add: Callable, scene: Any, settled: Callable) -> None:
    for name, words in (("refuse", "'refuse' is refused"), ("crash", "ended unexpectedly")):
        tab.panel.parameters.inputVolume = add(name)
        before = everything(scene)
        tab.ui.applyButton.click()
        settled(tab)
        assert words in tab.ui.statusLabel.text
        assert everything(scene) == before
        assert not tab.panel.parameters.livePreview


@both
def test_closing_the_scene_ends_runs_and_previews(
    tab: Any, add: Callable, scene: Any, wait_until: Callable, settled: Callable
) -> None:
    tab.panel.parameters.inputVolume = add("slow")
    tab.ui.applyButton.click()
    wait_until(lambda: "step 2" in tab.ui.statusLabel.text, 30)
    scene.Clear(0)
    assert tab.ui.statusLabel.text.startswith("Select a")
    assert not tab.panel._runner.isRunning
    tab.panel.parameters.inputVolume = add()
    tab.ui.applyButton.click()
    settled(tab)
    tab.panel.parameters.livePreview = True
    settled(tab)
    assert tab.panel.results()
    assert tab.panel.isPreviewing
    scene.Clear(0)
    assert not tab.panel.isPreviewing
    assert not tab.ui.applyButton.enabled
    assert tab.panel.results() == []
    assert tab.ui.resultsButton.collapsed


def test_a_module_that_was_left_shows_nothing_when_it_finishes(
    from_radiograph: Any, scene: Any, wait_until: Callable
) -> None:
    source = from_radiograph.panel.parameters.inputVolume = add_radiograph("steady")
    from_radiograph.ui.applyButton.click()
    from_radiograph.exit()
    wait_until(lambda: from_radiograph.panel.results(), 30)
    assert red()[0] is source
    assert rendering_of(from_radiograph.panel.results()[6]) is None
    from_radiograph.enter()
    assert rendering_of(from_radiograph.panel.results()[6]).GetVisibility()


def test_only_the_tab_that_is_open_does_something(tabs: Any, scene: Any) -> None:
    ct, picture = add_ct("scan"), add_radiograph("picture")
    tabs.exit()
    tabs.enter()
    assert tabs.fromRadiograph.panel.parameters.inputVolume is picture
    assert tabs.fromCT.panel.parameters is None
    tabs.sections.show(tabs.fromCT)
    assert tabs.fromRadiograph.panel.parameters is None
    assert tabs.fromCT.panel.parameters.inputVolume is ct
    scene.Clear(0)
    assert tabs.fromRadiograph.panel.parameters is None
    assert tabs.fromCT.panel.parameters.inputVolume is None
    tabs.exit()
    tabs.sections.show(tabs.fromRadiograph)
    assert tabs.fromRadiograph.panel.parameters is None
    scene.Clear(0)
    tabs.enter()
    assert tabs.fromRadiograph.panel.parameters.inputVolume is None
    assert tabs.fromCT.panel.parameters is None
