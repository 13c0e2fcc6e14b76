"""The commands prepare, train and evaluate, as a method plugs into them."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from safetensors.torch import save_file
from training_samples import LineLesson

from InverseImagingLib import cli, cli_training
from InverseImagingLib.models import Weights


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What a second method was asked for, which has flags of its own for two commands and none for the third."""
    made: list[tuple[Any, ...]] = []

    def evaluate(data: Path, weights: Weights, say: Any, *, test_time: bool) -> dict[str, int]:
        made.append((data.name, weights.name, test_time))
        return {"bodies": 3}

    flags = {"prepare": {}, "train": {"rings": {"type": int}}, "evaluate": {"test-time": {"action": "store_true"}}}
    workshop = SimpleNamespace(
        prepare=lambda source, target, phantoms, say: made.append((source.name, target.name, phantoms)),
        training_options=lambda preset, **chosen: (preset, {n: v for n, v in chosen.items() if v is not None}),
        train=lambda data, folder, options, **more: made.append((data.name, folder.name, options, more["resume"])),
        evaluate_weights=evaluate,
        summary=lambda found: f"{found['bodies']} bodies",
    )
    monkeypatch.setitem(sys.modules, "CTRestorationLib.flags", SimpleNamespace(FLAGS=flags, NOTES={}))
    monkeypatch.setitem(sys.modules, "CTRestorationLib.workshop", workshop)
    monkeypatch.setattr(cli_training, "_METHODS", (*cli_training._METHODS, "CTRestoration"))
    return made


def test_a_method_plugs_in_with_flags_of_its_own(
    calls: list[tuple[Any, ...]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    save_file(LineLesson().network.state_dict(), tmp_path / "own.safetensors")
    run, data = str(tmp_path / "run"), str(tmp_path / "data")
    assert cli.main(["prepare", "ctrestoration", str(tmp_path), data, "--phantoms", "2"]) == 0
    assert cli.main(["train", "ctrestoration", "--data", data, "--out", run, "--rings", "5", "--steps", "7"]) == 0
    weights = str(tmp_path / "own.safetensors")
    assert cli.main(["evaluate", "ctrestoration", "--data", data, "--weights", weights, "--test-time"]) == 0
    assert calls == [
        (tmp_path.name, "data", 2),
        ("data", "run", ("compact", {"rings": 5, "steps": 7}), False),
        ("data", "own", True),
    ]
    assert capsys.readouterr().out == "3 bodies\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "ctrestoration", "--data", "d", "--out", "o", "--stage", "2"], "Unrecognized arguments: --stage 2"),
        (["train", "xraysyn", "--data", "d", "--out", "o", "--rings", "5"], "Unrecognized arguments: --rings 5"),
        (["train", "unknown"], "invalid choice: 'unknown'"),
        (["evaluate"], "required: METHOD"),
    ],
)
def test_flags_of_another_method_are_refused(
    calls: list[tuple[Any, ...]], arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
):
    assert cli.main(arguments) == 2
    assert sentence in capsys.readouterr().err
    assert calls == []
