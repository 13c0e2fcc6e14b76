"""The home panel: methods, where to compute and on what, packages, models, files, citation."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of imported models, not there yet."""
    monkeypatch.setenv("INVERSE_IMAGING_MODELS", str(tmp_path / "users"))
    return tmp_path / "users"


@pytest.fixture
def home(scene: Any, open_panel: Callable, wait_until: Callable, users: Path) -> Any:
    import qt

    qt.QSettings().clear()
    open_panel("CTRestoration")
    open_panel("XraySyn")
    open_panel("XrayTomography")
    open_panel("CT2RGB")
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
    assert opened == [name for name, method in METHODS.items() if method.is_module]
    sentences = [w.text for w in home.ui.methodsButton.children() if w.inherits("QLabel")]
    assert sentences == [method.sentence for method in METHODS.values() if method.is_module]


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


def test_files_and_citation(home: Any, users: Path) -> None:
    assert "CTRestoration" in home.ui.modelsLabel.text
    assert str(users) in home.ui.modelsLabel.text
    assert home.ui.logLabel.text
    assert "Deep Image Prior" in home.ui.citeText.plainText


# Models


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle that the user chooses to import; its weights are not looked into."""
    import qt

    card, data = tmp_path / "from" / "tiny" / "docs" / "README.md", b"\x02" + bytes(7) + b"{}"
    folder = card.parents[1]
    weights = {
        "file": "models/a.safetensors",
        "sha256": hashlib.sha256(data).hexdigest(),
        "parameters": 0,
        "settings": {},
    }
    texts = ("monai_version", "pytorch_version", "numpy_version", "task", "authors", "copyright")
    metadata = {
        **dict.fromkeys(texts, ""),
        **{"changelog": {}, "network_data_format": {}, "method": "XraySyn", "version": "0.2.0"},
        **{
            "description": "Made here",
            "license": "CC0-1.0",
            "training_data": "Two phantoms",
            "weights": {"a": weights},
        },
    }
    for name, content in (
        ("configs/metadata.json", json.dumps(metadata).encode()),
        ("models/a.safetensors", data),
        ("docs/README.md", b"# Card\n"),
        ("LICENSE", b"CC0\n"),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *arguments: str(folder))
    return folder


def rows(home: Any) -> list[list[str]]:
    table = home.ui.modelsTable
    return [[table.item(row, column).text() for column in range(table.columnCount)] for row in range(table.rowCount)]


def test_models_are_listed(home: Any) -> None:
    from InverseImagingLib.models import bundles

    shipped = bundles()
    assert [row[0] for row in rows(home)] == [f"{each.name} {each.version}" for each in shipped]
    assert rows(home)[0][1] == "X-ray Synthesis"
    assert (shipped[0].problem or shipped[0].description) in home.ui.modelLabel.text
    assert not home.ui.removeButton.enabled
    assert home.ui.cardButton.enabled == shipped[0].card.is_file()


def test_a_model_is_imported_shown_and_removed(
    home: Any, source: Path, users: Path, monkeypatch: pytest.MonkeyPatch, messages: list, answers: list
) -> None:
    import qt

    before = rows(home)
    home.ui.importButton.click()
    assert rows(home) == [*before, ["tiny 0.2.0", "X-ray Synthesis", "0.0 KiB", "CC0-1.0"]]
    assert home.ui.modelLabel.text == "Made here\nTraining data: Two phantoms"
    assert messages == []

    opened = []
    monkeypatch.setattr(
        qt.QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()) or len(opened) == 1
    )
    home.ui.cardButton.click()
    assert opened == [str(users / "tiny" / "docs" / "README.md")]
    assert home.ui.modelLabel.text.startswith("Made here")
    home.ui.cardButton.click()
    assert home.ui.modelLabel.text == f"No program opens the card; it is the text file {opened[0]}"

    answers.extend([False, True])
    home.ui.removeButton.click()
    assert (users / "tiny").is_dir()
    home.ui.removeButton.click()
    assert [message.text for message in messages] == [
        f"Delete the model 'tiny' with all its files in {users / 'tiny'}?"
    ] * 2
    assert rows(home) == before
    assert not (users / "tiny").exists()
    assert not home.ui.removeButton.enabled


def test_another_version_is_asked_about(home: Any, source: Path, users: Path, messages: list, answers: list) -> None:
    home.ui.importButton.click()
    path = source / "configs" / "metadata.json"
    path.write_text(path.read_text().replace("0.2.0", "0.3.0"))
    answers.extend([False, True])
    home.ui.importButton.click()
    assert rows(home)[-1][0] == "tiny 0.2.0"
    home.ui.importButton.click()
    assert rows(home)[-1][0] == "tiny 0.3.0"
    assert all("imported already in version 0.2.0" in message.text for message in messages)
    assert len(messages) == 2


def test_what_is_no_model_is_a_sentence(
    home: Any, source: Path, users: Path, messages: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    import qt

    before = rows(home)
    (source / "models" / "old.pt").write_bytes(b"")
    home.ui.importButton.click()
    assert home.ui.modelLabel.text.startswith("'models/old.pt' of model 'tiny' is a pickle")
    assert rows(home) == before
    assert messages == []
    shown = home.ui.modelLabel.text
    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *arguments: "")
    home.ui.importButton.click()
    assert home.ui.modelLabel.text == shown
    assert not users.exists()


def test_a_broken_model_can_be_seen_and_removed(home: Any, users: Path) -> None:
    (users / "half").mkdir(parents=True)
    home.enter()
    home.ui.modelsTable.selectRow(home.ui.modelsTable.rowCount - 1)
    assert "is no model: it has no readable configs/metadata.json" in home.ui.modelLabel.text
    assert not home.ui.cardButton.enabled
    home.ui.removeButton.click()
    assert list(users.iterdir()) == []
