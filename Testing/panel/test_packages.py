"""Packages in Slicer's own Python: asked for when Apply is pressed, torch by the PyTorch extension, never silently."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

REQUIREMENTS = Path(__file__).parents[2] / "CTRestoration" / "Resources" / "requirements.txt"


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)


@pytest.fixture
def without_skimage(monkeypatch: pytest.MonkeyPatch) -> None:
    import slicer.packaging

    monkeypatch.setattr(slicer.packaging, "pip_check", lambda requirement: "scikit-image" not in str(requirement))
    if hasattr(slicer.packaging, "_is_installed"):
        monkeypatch.setattr(slicer.packaging, "_is_installed", lambda requirement: requirement.name != "scikit-image")


def installs(messages: list[Any]) -> list[str]:
    return [message[1] for message in messages if message[0] == "install"]


def test_nothing_is_asked_when_all_is_there(slicer_app: Any, messages: list[Any]) -> None:
    from InverseImagingLib.settings import ensurePackages

    ensurePackages(REQUIREMENTS, "CT Restoration")
    assert messages == []


def test_torch_comes_from_the_pytorch_extension(
    slicer_app: Any, without_torch: None, messages: list[Any], answers: list[bool]
) -> None:
    from InverseImagingLib.errors import InputError
    from InverseImagingLib.settings import ensurePackages

    answers.append(False)
    with pytest.raises(InputError, match="PyTorch was not installed; press Apply again"):
        ensurePackages(REQUIREMENTS, "CT Restoration")
    assert installs(messages) == []


def test_without_the_pytorch_extension(
    slicer_app: Any, without_torch: None, messages: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from InverseImagingLib.errors import InputError
    from InverseImagingLib.settings import ensurePackages

    monkeypatch.setitem(sys.modules, "PyTorchUtils", None)
    with pytest.raises(InputError, match="install the extension PyTorch with the Extensions Manager"):
        ensurePackages(REQUIREMENTS, "CT Restoration")
    assert installs(messages) == []


def test_missing_packages_are_installed_after_asking(
    slicer_app: Any, without_skimage: None, messages: list[Any], answers: list[bool]
) -> None:
    from InverseImagingLib.errors import InputError
    from InverseImagingLib.settings import ensurePackages

    answers.append(False)
    with pytest.raises(InputError, match="CT Restoration needs Python packages that were not installed"):
        ensurePackages(REQUIREMENTS, "CT Restoration")
    assert installs(messages) == []
    ensurePackages(REQUIREMENTS, "CT Restoration")
    assert [text for text in installs(messages) if "scikit-image" in text]


def test_a_failed_installation_says_what_to_do(
    slicer_app: Any, without_skimage: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import slicer.packaging

    from InverseImagingLib.errors import InputError
    from InverseImagingLib.settings import ensurePackages

    def fail(*_: Any, **__: Any) -> None:
        raise OSError("no network")

    monkeypatch.setattr(slicer.packaging, "pip_ensure", fail)
    with pytest.raises(InputError, match="failed; see the log, or choose another Python"):
        ensurePackages(REQUIREMENTS, "CT Restoration")
