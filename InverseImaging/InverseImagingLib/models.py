"""Trained models as MONAI bundles: which are there, what each is, and weights that their SHA-256 vouches for.

A bundle is a folder with configs/metadata.json (MONAI's keys; and "method", "license", "training_data", "weights"),
models/*.safetensors, docs/README.md (the model card) and LICENSE.
Source: MONAI Bundle Specification, https://docs.monai.io/en/stable/mb_specification.html.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from .errors import InputError
from .methods import METHODS, find_method

if TYPE_CHECKING:
    import torch

METADATA, CARD, LICENSE = "configs/metadata.json", "docs/README.md", "LICENSE"
USER_FOLDER = "INVERSE_IMAGING_MODELS"  # the environment variable that moves the models of the user
LARGEST = 16 * 2**20  # bytes of a file of weights that the extension ships
NAME = re.compile(r"[A-Za-z0-9]([\w.-]{0,62}\w)?", re.ASCII)

_MONAI = ("version", "monai_version", "pytorch_version", "numpy_version", "task", "description", "authors", "copyright")
_OURS = {"method": str, "license": str, "training_data": str, "weights": dict}
_KEYS = {**dict.fromkeys(_MONAI, str), "changelog": dict, "network_data_format": dict, **_OURS}
_ENTRY = {"file": str, "sha256": str, "parameters": int, "settings": dict}
_KINDS = {str: "a text", dict: "an object", int: "a whole number"}


@dataclass(frozen=True)
class Weights:
    """Weights of one network: a safetensors file, and the SHA-256 that it must have.

    parameters: how many numbers; settings: what the network is built with; bundle, version: where they come from,
    empty for a file of the user's own.
    """

    name: str
    path: Path
    sha256: str
    parameters: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict, compare=False)
    bundle: str = ""
    version: str = ""

    def facts(self) -> dict[str, str]:
        """What the report of a run says about them, JSON-ready."""
        if not self.bundle:
            return {"weights": self.path.name, "sha256": self.sha256}
        return {"model": self.bundle, "version": self.version, "weights": self.name, "sha256": self.sha256}


@dataclass(frozen=True)
class Bundle:
    """One bundle as its metadata describe it. problem: why it cannot be used, one sentence; empty when it can."""

    name: str
    folder: Path
    imported: bool = False
    method: str = ""
    version: str = ""
    description: str = ""
    license: str = ""
    training_data: str = ""
    weights: Mapping[str, Weights] = field(default_factory=dict)
    problem: str = ""

    @property
    def card(self) -> Path:
        return self.folder / CARD

    @property
    def title(self) -> str:
        """What the user knows the method by."""
        return METHODS[self.method].title if self.method else ""

    @property
    def size(self) -> int:
        """Bytes of all weights that are there."""
        paths = {weights.path for weights in self.weights.values()}
        return sum(path.stat().st_size for path in paths if path.is_file())


def user_folder() -> Path:
    """Where the models that the user imported are; it need not exist."""
    moved = os.environ.get(USER_FOLDER)
    if moved:
        return Path(moved).expanduser().absolute()
    if sys.platform == "win32":
        data = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        data = Path.home() / "Library" / "Application Support"
    else:
        data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return data / "InverseImaging" / "Models"


def shipped_folder(method: str) -> Path:
    """Where the bundle of a method is that comes with the extension; it need not exist."""
    modules = Path(__file__).resolve().parents[1]  # Slicer's build and pip put the files of all modules into one folder
    together = modules / "Resources" / "Models" / method
    return together if together.is_dir() else modules.parent / method / "Resources" / "Models" / method


def bundles(method: str = "") -> list[Bundle]:
    """The bundles of a method, or all: shipped ones first, then those of the user by name, unusable ones included."""
    shipped = [shipped_folder(name) for name in METHODS]
    try:
        users = sorted(path for path in user_folder().iterdir() if path.is_dir() and path.name[0] != ".")
    except OSError:
        users = []
    found = [_described(folder, False) for folder in shipped if folder.is_dir()]
    found += [_described(folder, True) for folder in users]
    return [bundle for bundle in found if method in ("", bundle.method)]


def describe(folder: Path, imported: bool = False) -> Bundle:
    """The bundle in a folder. Raises InputError when its metadata cannot be used; missing files are its problem."""
    metadata, name = read_metadata(folder), folder.name
    if metadata["method"] not in METHODS:
        raise InputError(
            f"Model '{name}' is for the method '{metadata['method']}', which this version does not have; known are "
            f"{', '.join(METHODS)}: update the extension."
        )
    weights = {
        key: Weights(
            key,
            folder / _inside(entry["file"], name),
            entry["sha256"].lower(),
            entry["parameters"],
            entry["settings"],
            name,
            metadata["version"],
        )
        for key, entry in metadata["weights"].items()
    }
    texts = {key: metadata[key] for key in ("method", "version", "description", "license", "training_data")}
    wanted = [folder / CARD, folder / LICENSE, *(each.path for each in weights.values())]
    missing = [path.relative_to(folder).as_posix() for path in wanted if not path.is_file()]
    problem = f"Model '{name}' lacks {missing[0]}; get the whole bundle again." if missing else ""
    if not weights:
        problem = f"Model '{name}' has no weights yet; import a bundle that has some."
    return Bundle(name, folder, imported, weights=weights, problem=problem, **texts)


def find_weights(method: str, name: str, bundle: str = "") -> Weights:
    """Weights by name, from the bundle named or else the first one of the method that has their file.

    Raises InputError when there are none.
    """
    title = find_method(method).title
    known = [each for each in bundles(method) if bundle in ("", each.name)]
    if bundle and not known:
        names = ", ".join(each.name for each in bundles(method)) or "none"
        raise InputError(f"There is no model '{bundle}' for {title}, only {names}; import it first.")
    having = [each for each in known if name in each.weights]
    for each in having:
        if each.weights[name].path.is_file():
            return each.weights[name]
    if having:
        raise InputError(having[0].problem)
    raise InputError(
        f"There are no weights '{name}' for {title}{f' in model {bundle!r}' if bundle else ''}; "
        "import a bundle that has them in the Inverse Imaging module, or with inverse-imaging models --import."
    )


def own_weights(path: str | Path) -> Weights:
    """Weights in a safetensors file of the user's own. Raises InputError for any other file."""
    path = Path(path).expanduser()
    if path.suffix.lower() != ".safetensors":
        raise InputError(
            f"'{path}' is no .safetensors file; other files of weights can hold programs: convert it first."
        )
    return Weights(path.stem, path, hashlib.sha256(_bytes(path)).hexdigest())


def read_weights(weights: Weights) -> dict[str, torch.Tensor]:
    """Tensors by name, floating-point ones as float32.

    Raises InputError when the file is missing, is another one than its SHA-256 says, or is no safetensors file.
    """
    data = _bytes(weights.path)
    check_bytes(data, weights)
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors = load(data)
    except (SafetensorError, KeyError, ValueError):  # damaged, or of a type that torch does not know
        raise InputError(f"'{weights.path.name}' cannot be read as safetensors; save or copy it again.") from None
    tensors = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise InputError(f"'{weights.path.name}' holds values that are no numbers; choose other weights.")
    return tensors


def load_weights(network: torch.nn.Module, weights: Weights) -> None:
    """Give a network its weights. Raises InputError as read_weights, and for those of another architecture."""
    tensors, wanted = read_weights(weights), network.state_dict()
    shapes = [{name: tuple(tensor.shape) for name, tensor in each.items()} for each in (tensors, wanted)]
    names = [*shapes[1], *sorted(shapes[0].keys() - shapes[1].keys())]
    different = [name for name in names if shapes[0].get(name) != shapes[1].get(name)]
    if different:
        has, needs = ("x".join(map(str, s[different[0]])) if different[0] in s else "none" for s in shapes)
        raise InputError(
            f"'{weights.path.name}' holds another architecture ({different[0]}: {has or 'one number'} instead of "
            f"{needs or 'one number'}); choose weights that were trained for this network and its settings."
        )
    network.load_state_dict(tensors)


def write_weights(folder: Path, name: str, network: torch.nn.Module, settings: Mapping[str, Any]) -> Weights:
    """Write a network's weights as fp16 into a bundle, and their entry into its metadata, which must be there.

    settings: what the network is built with, and whatever else the metadata shall tell, JSON-ready.
    Raises InputError when they exceed LARGEST or fp16.
    """
    import torch
    from safetensors.torch import save

    if not NAME.fullmatch(name):
        raise InputError(f"'{name}' cannot name weights; use letters, digits, '.', '_' and '-'.")
    metadata = read_metadata(folder)
    tensors = {}
    for key, tensor in network.state_dict().items():
        kind = torch.float16 if tensor.is_floating_point() else tensor.dtype
        tensors[key] = tensor.detach().to("cpu", kind, copy=True).contiguous()
        if not bool(torch.isfinite(tensors[key]).all()):
            raise InputError(f"Weights '{name}' hold values beyond fp16 in {key}; train them again at a lower rate.")
    data = save(tensors)
    if len(data) > LARGEST:
        limit, size = readable_size(LARGEST), readable_size(len(data))
        raise InputError(f"Weights '{name}' take {size}, more than {limit}; make the network smaller.")
    file = f"models/{name}.safetensors"
    metadata["weights"][name] = {
        "file": file,
        "sha256": hashlib.sha256(data).hexdigest(),
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "settings": dict(settings),
    }
    text = json.dumps(metadata, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    _replace(folder / file, data)
    _replace(folder / METADATA, text.encode())
    return describe(folder).weights[name]


def read_metadata(folder: Path) -> dict[str, Any]:
    """The metadata of a bundle. Raises InputError when they cannot be read, or a key is missing or of another type."""
    path, get = folder / METADATA, f"model '{folder.name}'; get the whole bundle again"
    try:
        metadata = json.loads(path.read_bytes())
    except OSError:
        raise InputError(
            f"'{folder}' is no model: it has no readable {METADATA}; choose the folder of a bundle."
        ) from None
    except ValueError:
        raise InputError(f"{METADATA} is damaged in {get}.") from None
    _check_types(metadata, _KEYS, get)
    for name, entry in metadata["weights"].items():
        _check_types(entry, _ENTRY, f"weights '{name}' of {get}")
        if not NAME.fullmatch(name) or not re.fullmatch(r"[0-9a-fA-F]{64}", entry["sha256"]):
            raise InputError(f"{METADATA} has no proper name and SHA-256 in weights '{name}' of {get}.")
    return metadata


def check_bytes(data: bytes, weights: Weights) -> None:
    """Raise InputError when a file's bytes are not those that the SHA-256 vouches for."""
    if hashlib.sha256(data).hexdigest() != weights.sha256:
        where = f"model '{weights.bundle}'" if weights.bundle else "the time it was chosen"
        raise InputError(f"'{weights.path.name}' is damaged or not the file of {where}; get it again.")


def readable_size(count: int) -> str:
    """Bytes as a person reads them."""
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 else f"{count / 2**10:.1f} KiB"


def _described(folder: Path, imported: bool) -> Bundle:
    try:
        return describe(folder, imported)
    except InputError as error:
        return Bundle(folder.name, folder, imported, problem=str(error))


def _check_types(values: Any, kinds: Mapping[str, type], where: str) -> None:
    if not isinstance(values, dict):
        raise InputError(f"{METADATA} is damaged in {where}.")
    for key, kind in kinds.items():
        if not isinstance(values.get(key), kind):
            raise InputError(f"{METADATA} lacks '{key}', {_KINDS[kind]}, in {where}.")


def _inside(file: str, bundle: str) -> Path:
    """A path of the manifest, relative to the bundle; InputError unless it is a safetensors file in models/."""
    path = PurePosixPath(file)
    if path.parts[:1] != ("models",) or ".." in path.parts or "\\" in file or path.suffix != ".safetensors":
        raise InputError(f"Model '{bundle}' names '{file}', but weights are models/*.safetensors; get another bundle.")
    return Path(*path.parts)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        problem = error.strerror or "no file"
        raise InputError(f"'{path}' cannot be read ({problem}); check the path, or get the model again.") from None


def _replace(path: Path, data: bytes) -> None:
    """Write beside, then rename, so that there is never half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.partial")
    beside.write_bytes(data)
    beside.replace(path)
