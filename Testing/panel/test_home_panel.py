"""The home panel: methods, where to compute and on what, packages, files, citation."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def home(scene: Any, open_panel: Callable, wait_until: Callable) -> Any:
    import qt

    qt.QSettings().clear()
    open_panel("CTRestoration")
    open_panel("XraySyn")
    panel = open_panel("InverseImaging")
    wait_until(lambda: not panel.runner.isRunning, 30)
    yield panel
    qt.QSettings().clear()


def test_says_what_is_there(home: Any) -> None:
    import numpy as np

    text = home.ui.packagesText.plainText
    assert f"numpy {np.__version__}" in text
    assert "Devices: " in text
    assert "cpu" in text
    assert not home.ui.installButton.enabled


def test_all_packages_that_slicer_installs_are_looked_for(home: Any) -> None:
    from slicer.packaging import load_requirements

    from InverseImagingLib.packages import REQUIRED

    requirements = load_requirements(Path(home.resourcePath("requirements.txt")))
    assert {each.name for each in requirements} <= set(REQUIRED)


def test_methods_open(home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import slicer

    from InverseImagingLib.methods import METHODS

    opened = []
    monkeypatch.setattr(slicer.util, "selectModule", opened.append)
    buttons = [w for w in home.ui.methodsButton.children() if w.inherits("QPushButton")]
    for button in buttons:
        button.click()
    assert opened == list(METHODS)
    sentences = [w.text for w in home.ui.methodsButton.children() if w.inherits("QLabel")]
    assert sentences == [method.sentence for method in METHODS.values()]


def test_another_python(home: Any, wait_until: Callable) -> None:
    from InverseImagingLib.compute import Place, Where
    from InverseImagingLib.settings import computePlace

    home.ui.whereComboBox.currentIndex = 1
    home.ui.pythonPathLineEdit.currentPath = "/no/such/python"
    home.ui.checkButton.click()
    assert "There is no Python interpreter '/no/such/python'" in home.ui.packagesText.plainText
    home.ui.pythonPathLineEdit.currentPath = sys.executable
    assert computePlace() == Place(Where.PYTHON, sys.executable)
    home.ui.checkButton.click()
    wait_until(lambda: not home.runner.isRunning, 30)
    assert f"Python {sys.version.split()[0]}, {sys.executable}" in home.ui.packagesText.plainText


def test_settings_are_kept(home: Any) -> None:
    from InverseImagingLib.device import Device
    from InverseImagingLib.settings import computeDevice, computePlace

    assert computeDevice() is Device.AUTO
    home.ui.deviceComboBox.currentIndex = 1
    home.ui.whereComboBox.currentIndex = 2
    home.ui.hostLineEdit.text = " user@host "
    home.onSettingsChanged()
    assert computeDevice() is Device.CPU
    assert computePlace().target == "user@host"
    assert home.ui.hostLineEdit.isVisibleTo(home.ui.computeButton)
    assert not home.ui.pythonPathLineEdit.isVisibleTo(home.ui.computeButton)


def test_files_and_citation(home: Any) -> None:
    assert "CTRestoration" in home.ui.modelsLabel.text
    assert home.ui.logLabel.text
    assert "Deep Image Prior" in home.ui.citeText.plainText
