"""Bundles of models: found where they are shipped and where the user's are, described, and read only when unharmed."""

from __future__ import annotations

import fnmatch
import hashlib
import importlib.util
import json
import pickle
import sys
from pathlib import Path

import pytest
import torch
from model_samples import SETTINGS, edit_metadata, metadata, network, write_bundle

from InverseImagingLib import models
from InverseImagingLib.errors import InputError
from InverseImagingLib.methods import METHODS
from InverseImagingLib.models import (
    CARD,
    LARGEST,
    LICENSE,
    METADATA,
    Weights,
    bundles,
    describe,
    find_weights,
    load_weights,
    own_weights,
    read_weights,
    shipped_folder,
    user_folder,
    write_weights,
)

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of models, not there yet; and nothing shipped."""
    monkeypatch.setenv(models.USER_FOLDER, str(tmp_path / "users"))
    monkeypatch.setattr(models, "shipped_folder", lambda method: tmp_path / "shipped" / method)
    return tmp_path / "users"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "shipped" / "XraySyn")


# What is there


def test_nothing_is_there() -> None:
    assert bundles() == []
    with pytest.raises(InputError, match=r"There are no weights 'compact' for X-ray Synthesis; import a bundle"):
        find_weights("XraySyn", "compact")


def test_shipped_ones_come_first_then_those_of_the_user(bundle: Path, users: Path) -> None:
    write_bundle(users / "mine", "compact", "paper")
    write_bundle(users / "another", method="CTRestoration")
    write_bundle(users / ".partial-x" / "half")
    (users / "file").write_text("no folder")
    assert [(each.name, each.imported) for each in bundles()] == [("XraySyn", False), ("another", True), ("mine", True)]
    assert [each.name for each in bundles("XraySyn")] == ["XraySyn", "mine"]
    assert find_weights("XraySyn", "compact").bundle == "XraySyn"
    assert find_weights("XraySyn", "compact", bundle="mine").bundle == "mine"
    assert find_weights("XraySyn", "paper").bundle == "mine"
    with pytest.raises(InputError, match="There is no model 'yours' for X-ray Synthesis, only XraySyn, mine;"):
        find_weights("XraySyn", "compact", bundle="yours")
    with pytest.raises(InputError, match="no weights 'paper' for X-ray Synthesis in model 'XraySyn';"):
        find_weights("XraySyn", "paper", bundle="XraySyn")


def test_a_bundle_is_described(bundle: Path) -> None:
    found = describe(bundle)
    weights = found.weights["compact"]
    assert (found.name, found.title, found.version) == ("XraySyn", "X-ray Synthesis", "0.2.0")
    assert (found.license, found.training_data) == ("CC0-1.0", "Two phantoms")
    assert found.card.read_text() == "# Card\n"
    assert found.problem == ""
    assert found.size == weights.path.stat().st_size > 0
    assert weights.parameters == sum(p.numel() for p in network().parameters())
    assert weights.settings == SETTINGS
    sha256 = hashlib.sha256((bundle / "models" / "compact.safetensors").read_bytes()).hexdigest()
    assert weights.facts() == {"model": "XraySyn", "version": "0.2.0", "weights": "compact", "sha256": sha256}


@pytest.mark.parametrize("missing", ["models/compact.safetensors", CARD, LICENSE])
def test_an_incomplete_bundle_says_what_it_lacks(bundle: Path, missing: str) -> None:
    (bundle / missing).unlink()
    assert bundles()[0].problem == f"Model 'XraySyn' lacks {missing}; get the whole bundle again."


def test_weights_whose_file_is_missing_are_passed_over(bundle: Path, users: Path) -> None:
    (bundle / "models" / "compact.safetensors").unlink()
    with pytest.raises(InputError, match=r"Model 'XraySyn' lacks models/compact.safetensors"):
        find_weights("XraySyn", "compact")
    write_bundle(users / "mine")
    assert find_weights("XraySyn", "compact").bundle == "mine"


def test_a_bundle_without_weights_says_so(bundle: Path) -> None:
    edit_metadata(bundle, weights={})
    assert bundles()[0].problem == "Model 'XraySyn' has no weights yet; import a bundle that has some."


def entry(**changes: object) -> dict[str, dict[str, object]]:
    return {"a": {"file": "models/a.safetensors", "sha256": "0" * 64, "parameters": 1, "settings": {}, **changes}}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"license": None}, "lacks 'license', a text, in model 'XraySyn'"),
        ({"version": 2}, "lacks 'version', a text, in model 'XraySyn'"),
        ({"weights": []}, "lacks 'weights', an object, in model 'XraySyn'"),
        ({"weights": {"a": "b"}}, "is damaged in weights 'a' of model 'XraySyn'"),
        ({"weights": entry(parameters="1")}, "lacks 'parameters', a whole number, in weights 'a'"),
        ({"weights": entry(sha256="12")}, "has no proper name and SHA-256 in weights 'a'"),
        ({"weights": {"../a": entry()["a"]}}, r"has no proper name and SHA-256 in weights '\.\./a'"),
        (
            {"weights": entry(file="models/../../a.safetensors")},
            r"names 'models/\.\./\.\./a.safetensors', but weights are",
        ),
        ({"weights": entry(file="/models/a.safetensors")}, "names '/models/a.safetensors', but weights are"),
        ({"weights": entry(file="models\\..\\a.safetensors")}, "but weights are models/"),
        ({"weights": entry(file="models/a.pt")}, "names 'models/a.pt', but weights are models/"),
        (
            {"method": "Sorcery"},
            "is for the method 'Sorcery', which this version does not have; known are CTRestoration",
        ),
    ],
)
def test_unusable_metadata_are_a_sentence(bundle: Path, changes: dict, problem: str) -> None:
    edit_metadata(bundle, **changes)
    with pytest.raises(InputError, match=problem) as error:
        describe(bundle)
    assert bundles()[0].problem == str(error.value)
    assert bundles("XraySyn") == []


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff\xfe"])
def test_damaged_metadata_are_a_sentence(bundle: Path, data: bytes) -> None:
    (bundle / METADATA).write_bytes(data)
    with pytest.raises(InputError, match=r"metadata\.json is damaged in model 'XraySyn'; get the whole bundle again"):
        describe(bundle)


def test_a_folder_without_metadata_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is no model: it has no readable configs/metadata.json"):
        describe(tmp_path)


# Places


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, "home/.local/share/InverseImaging/Models"),
        ("linux", {"XDG_DATA_HOME": "data"}, "data/InverseImaging/Models"),
        ("darwin", {}, "home/Library/Application Support/InverseImaging/Models"),
        ("win32", {"LOCALAPPDATA": "local"}, "local/InverseImaging/Models"),
        ("win32", {"INVERSE_IMAGING_MODELS": "moved"}, "moved"),
    ],
)
def test_the_folder_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str, variables: dict[str, str], expected: str
) -> None:
    for name in ("INVERSE_IMAGING_MODELS", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, folder in variables.items():
        monkeypatch.setenv(name, str(tmp_path / folder))
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    monkeypatch.setattr(sys, "platform", platform)
    assert user_folder() == tmp_path / expected


def module_in(folder: Path) -> object:
    """models.py as a module that lies in that folder."""
    file = folder / "InverseImagingLib" / "models.py"
    file.parent.mkdir(parents=True)
    file.write_bytes(Path(models.__file__).read_bytes())
    spec = importlib.util.spec_from_file_location("InverseImagingLib.models_elsewhere", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[spec.name]
    return module


@pytest.mark.parametrize(
    ("libraries", "shipped"),
    [
        ("qt-scripted-modules", "qt-scripted-modules/Resources/Models/XraySyn"),
        ("site-packages", "site-packages/Resources/Models/XraySyn"),
        ("checkout/InverseImaging", "checkout/XraySyn/Resources/Models/XraySyn"),
    ],
)
def test_shipped_models_are_found_in_every_layout(tmp_path: Path, libraries: str, shipped: str) -> None:
    module = module_in(tmp_path / libraries)
    write_bundle(tmp_path / shipped)
    assert module.shipped_folder("XraySyn") == tmp_path / shipped
    assert [each.problem for each in module.bundles("XraySyn")] == [""]


def test_what_this_repository_ships_is_well_formed() -> None:
    folders = [shipped_folder(method) for method in METHODS]
    found = [describe(folder) for folder in folders if folder.is_dir()]
    assert [each.name for each in found] == ["XraySyn", "XrayTomography", "CT2RGB", "FilmRecovery"]
    for each in found:
        assert each.method == each.name
        for weights in each.weights.values():
            assert weights.path.stat().st_size <= LARGEST
            assert read_weights(weights)
        if each.weights:
            assert not each.problem


def test_a_wheel_holds_every_shipped_file() -> None:
    """Whether setuptools takes a folder as a package and a file as its data."""
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    packages, data = setuptools["packages"]["find"], setuptools["package-data"]["*"]
    files = [
        file for method in METHODS for file in (ROOT / method / "Resources" / "Models").rglob("*") if file.is_file()
    ]
    assert files
    for file in files:
        root = next(ROOT / folder for folder in packages["where"] if file.is_relative_to(ROOT / folder))
        folders = file.parent.relative_to(root).parts
        assert not any("." in folder for folder in folders), file
        assert any(fnmatch.fnmatch(".".join(folders), pattern) for pattern in packages["include"]), file
        assert any(fnmatch.fnmatch(file.name, pattern.removeprefix("**/")) for pattern in data), file


# Weights


def test_weights_come_back_in_float32_to_half_precision(bundle: Path) -> None:
    weights = find_weights("XraySyn", "compact")
    written, loaded = network(), network(4)
    for parameter in loaded.parameters():
        parameter.data.zero_()
    load_weights(loaded, weights)
    for name, tensor in written.state_dict().items():
        assert loaded.state_dict()[name].dtype == tensor.dtype
        torch.testing.assert_close(loaded.state_dict()[name], tensor, rtol=2**-10, atol=1e-7)
    assert read_weights(weights)["0.weight"].dtype == torch.float32


def test_writing_tells_the_metadata_and_keeps_the_rest(bundle: Path) -> None:
    write_weights(bundle, "paper", network(8), {"width": 8})
    found = describe(bundle)
    assert list(found.weights) == ["compact", "paper"]
    assert found.weights["paper"].settings == {"width": 8}
    load_weights(network(8), found.weights["paper"])
    load_weights(network(4), found.weights["compact"])
    assert {**json.loads((bundle / METADATA).read_text()), "weights": {}} == metadata()
    kept = sorted(path.name for path in bundle.rglob("*") if path.is_file())
    assert kept == ["LICENSE", "README.md", "compact.safetensors", "metadata.json", "paper.safetensors"]


def test_what_cannot_be_shipped_is_not_written(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path: path.read_bytes() for path in bundle.rglob("*") if path.is_file()}
    wild = network()
    wild.get_parameter("0.bias").data[0] = 1e6
    with pytest.raises(InputError, match=r"'paper' hold values beyond fp16 in 0.bias"):
        write_weights(bundle, "paper", wild, SETTINGS)
    with pytest.raises(InputError, match=r"'../paper' cannot name weights"):
        write_weights(bundle, "../paper", network(), SETTINGS)
    monkeypatch.setattr(models, "LARGEST", 200)
    with pytest.raises(InputError, match=r"'paper' take \d.\d KiB, more than 0.2 KiB; make the network smaller"):
        write_weights(bundle, "paper", network(), SETTINGS)
    assert {path: path.read_bytes() for path in bundle.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("harm", [lambda d: d[:-1], lambda d: d[:-1] + bytes([d[-1] ^ 1]), lambda d: b""])
def test_harmed_weights_are_not_read(bundle: Path, harm) -> None:
    weights = find_weights("XraySyn", "compact")
    weights.path.write_bytes(harm(weights.path.read_bytes()))
    with pytest.raises(InputError, match=r"'compact.safetensors' is damaged or not the file of model 'XraySyn'"):
        read_weights(weights)


def test_missing_weights_are_a_sentence(bundle: Path) -> None:
    weights = find_weights("XraySyn", "compact")
    weights.path.unlink()
    with pytest.raises(InputError, match=r"compact.safetensors' cannot be read \(No such file.*\); check the path"):
        read_weights(weights)


@pytest.mark.parametrize(
    ("other", "problem"),
    [
        (network(8), r"\(0.weight: 4x1x3x3 instead of 8x1x3x3\)"),
        (network(4)[:2], r"\(2.bias: 1 instead of none\)"),
        (torch.nn.Sequential(*network(4), torch.nn.Linear(2, 2)), r"\(3.weight: none instead of 2x2\)"),
    ],
)
def test_another_architecture_is_a_sentence_and_leaves_the_network_alone(bundle: Path, other, problem: str) -> None:
    before = {name: tensor.clone() for name, tensor in other.state_dict().items()}
    with pytest.raises(InputError, match="'compact.safetensors' holds another architecture " + problem) as error:
        load_weights(other, find_weights("XraySyn", "compact"))
    assert "\n" not in str(error.value)
    assert all(torch.equal(tensor, before[name]) for name, tensor in other.state_dict().items())


def test_own_weights(bundle: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.safetensors"
    file.write_bytes((bundle / "models" / "compact.safetensors").read_bytes())
    weights = own_weights(str(file))
    load_weights(network(), weights)
    assert weights.facts() == {"weights": "mine.safetensors", "sha256": find_weights("XraySyn", "compact").sha256}
    with pytest.raises(InputError, match=r"'mine.safetensors' holds another architecture"):
        load_weights(network(8), weights)
    file.write_bytes(b"another")
    with pytest.raises(InputError, match=r"'mine.safetensors' is damaged or not the file of the time it was chosen"):
        read_weights(weights)


def test_own_weights_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(pickle.dumps({}))
    with pytest.raises(
        InputError, match=r"model.pt' is no .safetensors file; other files of weights can hold programs"
    ):
        own_weights(tmp_path / "model.pt")
    (tmp_path / "model.safetensors").write_bytes(pickle.dumps({}))
    with pytest.raises(InputError, match=r"'model.safetensors' cannot be read as safetensors"):
        read_weights(own_weights(tmp_path / "model.safetensors"))
    with pytest.raises(InputError, match=r"none.safetensors' cannot be read"):
        own_weights(tmp_path / "none.safetensors")


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save

    data = save({"a": torch.tensor([1.0, float("nan")])})
    (tmp_path / "a.safetensors").write_bytes(data)
    weights = Weights("a", tmp_path / "a.safetensors", hashlib.sha256(data).hexdigest())
    with pytest.raises(InputError, match=r"'a.safetensors' holds values that are no numbers"):
        read_weights(weights)
