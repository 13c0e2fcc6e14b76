"""The command models: the list, the way in and out, and the sentences of what cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from model_samples import edit_metadata, write_bundle

from InverseImagingLib import cli, models


@pytest.fixture(autouse=True)
def users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(models.USER_FOLDER, str(tmp_path / "users"))
    monkeypatch.setattr(models, "shipped_folder", lambda method: tmp_path / "shipped" / method)
    return tmp_path / "users"


def run(*arguments: Any) -> int:
    return cli.main(["models", *map(str, arguments)])


def test_list_import_and_remove(tmp_path: Path, users: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shipped = write_bundle(tmp_path / "shipped" / "XraySyn")
    edit_metadata(shipped, weights={})
    source = write_bundle(tmp_path / "tiny")

    assert run("--import", source) == 0
    assert capsys.readouterr().out == f"Model 'tiny' 0.2.0 imported to {users / 'tiny'}\n"
    assert run() == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split() == ["MODEL", "VERSION", "METHOD", "SIZE", "LICENSE", "TRAINING", "DATA"]
    assert [line.split("  ")[0] for line in lines[:1]] == ["XraySyn"]
    assert lines[1] == "  Model 'XraySyn' has no weights yet; import a bundle that has some."
    for cell in ("tiny", "0.2.0", "X-ray Synthesis", " KiB", "CC0-1.0", "Two phantoms"):
        assert cell in lines[2]
    assert lines[3:] == [f"Imported models are in {users}"]

    assert run("--remove", "tiny") == 0
    assert capsys.readouterr().out == "Model 'tiny' removed\n"
    assert list(users.iterdir()) == []


def test_another_version_needs_a_flag(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_bundle(tmp_path / "tiny")
    assert run("--import", source, "--quiet") == 0
    assert capsys.readouterr().out == ""
    edit_metadata(source, version="0.3.0")
    assert run("--import", source) == 2
    assert "version 0.2.0; replace it (--replace on the command line)" in capsys.readouterr().err
    assert run("--import", source, "--replace") == 0
    assert models.bundles()[0].version == "0.3.0"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--import", "nowhere"], "There is no folder 'nowhere'; choose the folder of a bundle, unpacked."),
        (["--remove", "tiny"], "There is no imported model 'tiny'; imported are: none."),
        (["--import", "a", "--remove", "b"], "Argument --remove: not allowed with argument --import;"),
    ],
)
def test_mistakes_are_sentences(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments) == 2
    text = capsys.readouterr().err.strip()
    assert sentence in text
    assert "\n" not in text
