"""Models of the user: a bundle comes in from a folder, checked and whole or not at all, and can go again."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from .errors import InputError
from .models import METADATA, NAME, USER_FOLDER, Bundle, bundles, check_bytes, describe, read_metadata, user_folder

# They run what a stranger wrote into them when they are read.
_PICKLES = {".pt", ".pth", ".ts", ".pkl", ".pickle", ".ckpt", ".bin", ".joblib"}


class ReplacesAnother(InputError):
    """The import would replace an imported bundle of other content, and nobody has agreed to that."""


def import_bundle(folder: str | Path, replace: bool = False) -> Bundle:
    """Check a bundle and copy it to the user's folder; its name is the folder's.

    replace: put it in the place of another one that was imported under that name.
    Raises ReplacesAnother when that is not agreed to, and InputError for what is no complete bundle, holds pickles,
    leads out of its folder by a link, or does not match its SHA-256; then nothing has changed.
    """
    source = Path(folder).expanduser().absolute()
    if not source.is_dir():
        raise InputError(f"There is no folder '{folder}'; choose the folder of a bundle, unpacked.")
    files = _files(source)
    _check_place(source, replace)
    target = user_folder() / source.name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=target.parent, ignore_cleanup_errors=True) as beside:
            copy = Path(beside) / source.name
            for file in files:
                (copy / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source / file, copy / file)
            _check(copy)
            _put(copy, target, Path(beside) / "replaced")
    except OSError as error:
        problem = error.strerror or type(error).__name__
        raise InputError(
            f"Model '{source.name}' could not be copied to '{target.parent}' ({problem}); free some space, or name "
            f"another folder by the environment variable {USER_FOLDER}."
        ) from None
    return describe(target, imported=True)


def remove_bundle(name: str) -> None:
    """Delete a bundle that was imported. Raises InputError when there is none of that name."""
    found = {bundle.name: bundle for bundle in bundles()}
    imported = [each for each, bundle in found.items() if bundle.imported]
    if name not in imported:
        if name in found:
            raise InputError(f"Model '{name}' comes with the extension and cannot be removed; only imported ones can.")
        raise InputError(f"There is no imported model '{name}'; imported are: {', '.join(imported) or 'none'}.")
    folder = found[name].folder
    try:
        if folder.is_symlink():
            folder.unlink()
            return
        with tempfile.TemporaryDirectory(prefix=".removed-", dir=folder.parent, ignore_cleanup_errors=True) as aside:
            folder.rename(Path(aside) / name)
    except OSError as error:
        raise InputError(f"Model '{name}' could not be removed ({error.strerror}); close what uses it.") from None


def _files(source: Path) -> list[Path]:
    """Every file of a bundle, relative to it. Raises InputError for what must not come along."""
    read_metadata(source)  # before the walk: it may be a folder with all of a computer's files in it
    inside = source.resolve()
    files = []
    for folder, folders, names in os.walk(source):
        for name in [*folders, *names]:
            path = Path(folder) / name
            said = path.relative_to(source).as_posix()
            real = path.resolve()
            if not real.is_relative_to(inside):
                raise InputError(f"'{said}' of model '{source.name}' is a link out of its folder; copy the file there.")
            if {path.suffix.lower(), real.suffix.lower()} & _PICKLES:
                raise InputError(
                    f"'{said}' of model '{source.name}' is a pickle, which can hold programs; save the weights as "
                    ".safetensors and remove it."
                )
            if name in folders and path.is_symlink():
                raise InputError(f"'{said}' of model '{source.name}' is a link to a folder; copy that folder there.")
            if name in names:
                if not real.is_file():
                    raise InputError(f"'{said}' of model '{source.name}' is no file; remove it.")
                files.append(path.relative_to(source))
    return files


def _check_place(source: Path, replace: bool) -> None:
    """Raise InputError when a bundle of that name must not be put in the user's folder."""
    name = source.name
    if not NAME.fullmatch(name):
        raise InputError(f"Folder '{name}' cannot name a model; rename it with letters, digits, '.', '_' and '-' only.")
    for other in bundles():
        if other.name.casefold() != name.casefold():
            continue
        if not other.imported or other.name != name:
            origin = "is imported already" if other.imported else "comes with the extension"
            raise InputError(f"A model '{other.name}' {origin}; rename the folder '{name}', then import it.")
        if not replace and not _same_metadata(source, other.folder):
            version = f" in version {other.version}" if other.version else ""
            raise ReplacesAnother(
                f"Model '{other.name}' is imported already{version}; replace it (--replace on the command line), "
                "or rename the folder."
            )


def _same_metadata(one: Path, other: Path) -> bool:
    try:
        return (one / METADATA).read_bytes() == (other / METADATA).read_bytes()
    except OSError:
        return False


def _check(folder: Path) -> None:
    """Raise InputError unless the bundle is complete and every file of weights is what the metadata say."""
    bundle = describe(folder)
    if bundle.problem:
        raise InputError(bundle.problem)
    for weights in bundle.weights.values():
        data = weights.path.read_bytes()
        check_bytes(data, weights)
        header = int.from_bytes(data[:8], "little")
        if len(data) < 10 or header > len(data) - 8 or data[8:9] != b"{":
            raise InputError(f"'{weights.path.name}' of model '{bundle.name}' is no safetensors file; save it as one.")


def _put(copy: Path, target: Path, aside: Path) -> None:
    """Rename `copy` to `target`; what is there goes aside first, and comes back when that fails."""
    if not target.exists():
        copy.rename(target)
        return
    target.rename(aside)
    try:
        copy.rename(target)
    except OSError:
        with contextlib.suppress(OSError):
            aside.rename(target)
        raise
