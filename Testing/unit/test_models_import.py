"""Bundles come in whole, checked and by the user's will, or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest
from model_samples import edit_metadata, network, write_bundle

from InverseImagingLib import models, models_import
from InverseImagingLib.errors import InputError
from InverseImagingLib.models import METADATA, bundles, describe, find_weights, load_weights
from InverseImagingLib.models_import import ReplacesAnother, import_bundle, remove_bundle


@pytest.fixture(autouse=True)
def users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of models, not there yet; and nothing shipped."""
    monkeypatch.setenv(models.USER_FOLDER, str(tmp_path / "users"))
    monkeypatch.setattr(models, "shipped_folder", lambda method: tmp_path / "shipped" / method)
    return tmp_path / "users"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "from" / "tiny")


def files(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def refused(source: Path, problem: str, kind: type = InputError, replace: bool = False) -> None:
    """The import says this in one sentence, and changes nothing."""
    users = models.user_folder()
    before = files(users)
    with pytest.raises(kind, match=problem) as error:
        import_bundle(source, replace)
    assert "\n" not in str(error.value)
    assert files(users) == before
    assert [path.name for path in users.glob(".*")] == []


def test_a_bundle_comes_in_and_goes(source: Path, users: Path) -> None:
    (source / "configs" / "inference.json").write_text("{}")
    bundle = import_bundle(source)
    assert bundles("XraySyn") == [bundle]
    assert bundle.imported
    assert bundle.folder == users / "tiny"
    assert files(users) == {f"tiny/{name}": data for name, data in files(source).items()}
    load_weights(network(), find_weights("XraySyn", "compact"))
    remove_bundle("tiny")
    assert list(users.iterdir()) == []
    assert describe(source).problem == ""


def test_the_folder_may_be_named_from_within(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(source.parent)
    assert import_bundle("tiny").name == "tiny"
    monkeypatch.chdir(source)
    assert import_bundle(".").name == "tiny"


def test_another_version_comes_in_only_when_asked(source: Path, users: Path) -> None:
    import_bundle(source)
    edit_metadata(source, version="0.3.0")
    refused(source, "'tiny' is imported already in version 0.2.0; replace it", ReplacesAnother)
    assert import_bundle(source, replace=True).version == "0.3.0"
    assert [path.name for path in users.iterdir()] == ["tiny"]


def test_the_same_version_mends_a_damaged_one(source: Path, users: Path) -> None:
    import_bundle(source)
    (users / "tiny" / "models" / "compact.safetensors").write_bytes(b"")
    (users / "tiny" / "docs" / "README.md").unlink()
    assert import_bundle(source).problem == ""
    assert files(users / "tiny") == files(source)


def test_a_name_is_taken_once(source: Path, tmp_path: Path) -> None:
    write_bundle(tmp_path / "shipped" / "XraySyn")
    refused(write_bundle(tmp_path / "from" / "XraySyn"), "'XraySyn' comes with the extension; rename", replace=True)
    import_bundle(source)
    other = write_bundle(tmp_path / "other" / "Tiny")
    refused(other, "'tiny' is imported already; rename the folder 'Tiny'", replace=True)
    refused(write_bundle(tmp_path / "a model"), "Folder 'a model' cannot name a model; rename it")


@pytest.mark.parametrize("missing", ["models/compact.safetensors", "docs/README.md", "LICENSE"])
def test_an_incomplete_bundle_stays_out(source: Path, missing: str) -> None:
    (source / missing).unlink()
    refused(source, f"'tiny' lacks {missing}")


def test_a_bundle_without_weights_stays_out(source: Path) -> None:
    edit_metadata(source, weights={})
    refused(source, "'tiny' has no weights yet")


def test_what_is_no_bundle_stays_out(source: Path, tmp_path: Path) -> None:
    refused(source / "docs", "is no model: it has no readable configs/metadata.json")
    refused(tmp_path / "none", "There is no folder '.*none'; choose the folder of a bundle, unpacked")
    refused(source / METADATA, "There is no folder")
    edit_metadata(source, method="Sorcery")
    refused(source, "for the method 'Sorcery'")


def test_harmed_weights_stay_out(source: Path) -> None:
    path = source / "models" / "compact.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    refused(source, "'compact.safetensors' is damaged or not the file of model 'tiny'")


@pytest.mark.parametrize("data", [b"", b"\x80\x04}.", b"PK\x03\x04" + bytes(30)])
def test_weights_of_another_kind_stay_out(source: Path, data: bytes) -> None:
    """Even with the SHA-256 that the metadata name."""
    path = source / "models" / "compact.safetensors"
    path.write_bytes(data)
    entry = {"file": "models/compact.safetensors", "sha256": hashlib.sha256(data).hexdigest()}
    edit_metadata(source, weights={"compact": {**entry, "parameters": 1, "settings": {}}})
    refused(source, "'compact.safetensors' of model 'tiny' is no safetensors file")


@pytest.mark.parametrize("name", ["model.pt", "model.PTH", "model.ts", "data.pkl"])
def test_pickles_stay_out(source: Path, name: str) -> None:
    (source / "models" / name).write_bytes(b"")
    refused(source, f"'models/{name}' of model 'tiny' is a pickle, which can hold programs")


def test_links_stay_inside(source: Path, tmp_path: Path, users: Path) -> None:
    (source / "docs" / "also.md").symlink_to(source / "docs" / "README.md")
    import_bundle(source)
    copied = users / "tiny" / "docs" / "also.md"
    assert not copied.is_symlink()
    assert copied.read_text() == "# Card\n"

    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    for target in (secret, Path("../../../secret.txt"), tmp_path, tmp_path / "none"):
        link = source / "docs" / "link"
        link.symlink_to(target)
        refused(source, "'docs/link' of model 'tiny' is a link out of its folder")
        link.unlink()
    (source / "docs" / "around").symlink_to(source)
    refused(source, "'docs/around' of model 'tiny' is a link to a folder")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_what_is_no_file_stays_out(source: Path) -> None:
    os.mkfifo(source / "docs" / "pipe")
    refused(source, "'docs/pipe' of model 'tiny' is no file")


def test_a_full_disk_leaves_nothing_behind(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: Path, target: Path) -> None:
        Path(target).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    refused(source, r"'tiny' could not be copied to .* \(No space left on device\); free some space, or name another")


def test_a_failed_replacement_brings_the_old_one_back(source: Path, users: Path, monkeypatch) -> None:
    import_bundle(source)
    edit_metadata(source, version="0.3.0")
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if "partial" in str(self) and Path(target) == users / "tiny" and self.name == "tiny":
            raise OSError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    refused(source, r"could not be copied .* \(Permission denied\)", replace=True)
    assert describe(users / "tiny").version == "0.2.0"


def test_a_copy_that_went_wrong_is_noticed(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models_import.shutil, "copyfile", lambda source, target: Path(target).write_bytes(b"{}"))
    refused(source, "lacks 'version'")


def test_only_imported_models_can_be_removed(source: Path, users: Path, tmp_path: Path) -> None:
    write_bundle(tmp_path / "shipped" / "XraySyn")
    with pytest.raises(InputError, match="'XraySyn' comes with the extension and cannot be removed"):
        remove_bundle("XraySyn")
    for name in ("tiny", "../from/tiny", ""):
        with pytest.raises(InputError, match=f"There is no imported model '{name}'; imported are: none"):
            remove_bundle(name)
    import_bundle(source)
    with pytest.raises(InputError, match="imported are: tiny"):
        remove_bundle("other")
    assert describe(source).problem == ""


def test_a_broken_model_can_be_removed(source: Path, users: Path) -> None:
    import_bundle(source)
    (users / "tiny" / METADATA).write_text("{")
    remove_bundle("tiny")
    assert list(users.iterdir()) == []


def test_a_linked_model_is_removed_but_not_what_it_links_to(source: Path, users: Path) -> None:
    users.mkdir()
    (users / "tiny").symlink_to(source)
    remove_bundle("tiny")
    assert list(users.iterdir()) == []
    assert describe(source).problem == ""
