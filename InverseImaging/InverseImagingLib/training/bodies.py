"""Training data from CTs and phantoms: bodies as maps of density, split by patient."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from ..dicom import list_series
from ..errors import InputError
from ..image import Image, read
from ..xray.materials import densities
from ..xray.phantoms import Anatomy, phantom
from ..xray.spectrum import Material

SPACING = 2.5  # mm
_HARD = (Material.BONE, Material.METAL)
_LIST = "split.csv"
_PHANTOM, _FIRST_SEED = 160, 1000  # voxels; the seeds below are for demonstrations and tests


@dataclass(frozen=True)
class Body:
    """Densities in g/cm3 of bone and soft tissue, (2, K, J, I) float16, every SPACING mm along R, A and S."""

    name: str
    maps: np.ndarray

    @property
    def ras_to_ijk(self) -> np.ndarray:
        """4 x 4: RAS, with the middle of the body at the origin, to voxels (I, J, K)."""
        matrix = np.diag([1 / SPACING, 1 / SPACING, 1 / SPACING, 1.0])
        matrix[:3, 3] = (np.array(self.maps.shape[:0:-1]) - 1) / 2
        return matrix


def body_of(image: Image) -> Body:
    """The body in a CT in HU. Raises InputError for what is no CT of a body."""
    found = densities(image)
    hard = np.array([material in _HARD for material in found.materials])
    maps = np.stack([found.array[hard].sum(axis=0), found.array[~hard].sum(axis=0)])
    return Body(image.name, on_body_grid(maps, found.ijk_to_ras))


def on_body_grid(maps: np.ndarray, ijk_to_ras: np.ndarray) -> np.ndarray:
    """Maps (C, K, J, I) as a body has them, float16, every SPACING mm along R, A and S; ijk_to_ras: where they lie."""
    k, j, i = maps.shape[1:]
    ends = np.array(np.meshgrid([0, i - 1], [0, j - 1], [0, k - 1])).reshape(3, 8)
    corners = ijk_to_ras[:3, :3] @ ends + ijk_to_ras[:3, 3:]
    low, high = corners.min(axis=1), corners.max(axis=1)
    counts = np.maximum(np.ceil((high - low) / SPACING).astype(int) + 1, 2)
    to_ras = np.diag([SPACING, SPACING, SPACING, 1.0])
    to_ras[:3, 3] = (low + high - SPACING * (counts - 1)) / 2
    own = np.linalg.norm(ijk_to_ras[:3, :3], axis=0)
    volume = torch.from_numpy(maps)[None]
    finer = [max(int(SPACING / step), 1) for step in own[::-1]]  # averaged first, so that nothing is skipped
    pooled = functional.avg_pool3d(volume, finer, ceil_mode=True, count_include_pad=False)
    start = np.eye(4)
    start[:3, :3] = np.diag(finer[::-1])
    start[:3, 3] = (np.array(finer[::-1]) - 1) / 2
    index = np.linalg.inv(ijk_to_ras @ start) @ to_ras
    return resampled(pooled[0], index, tuple(map(int, counts[::-1]))).half().numpy()


def resampled(maps: torch.Tensor, index: np.ndarray, voxels: tuple[int, ...]) -> torch.Tensor:
    """Maps (C, K, J, I) on a new grid of so many voxels (K, J, I).

    index: 4 x 4, voxels (I, J, K) of the new grid to those of the old one.
    """
    matrix = theta(index, voxels, tuple(maps.shape[1:]))
    grid = functional.affine_grid(matrix[None], [1, 1, *voxels], align_corners=False)
    return functional.grid_sample(maps[None], grid, align_corners=False)[0]


def theta(index: np.ndarray, to: tuple[int, ...], source: tuple[int, ...]) -> torch.Tensor:
    """torch's 3 x 4 matrix for a map of voxels (I, J, K) of a new grid (K, J, I) to those of the source."""

    def unit(counts: tuple[int, ...]) -> np.ndarray:  # from -1..1 to voxels
        matrix = np.eye(4)
        sides = np.array(counts[::-1])
        matrix[:3, :3], matrix[:3, 3] = np.diag(sides / 2), (sides - 1) / 2
        return matrix

    return torch.from_numpy((np.linalg.inv(unit(source)) @ index @ unit(to))[:3]).float()


def prepare(
    source: Path,
    target: Path,
    phantoms: int = 0,
    say: Callable[[str], None] = print,
    anatomy: Anatomy = Anatomy.THORAX,
) -> None:
    """Turn every CT in a folder into a body in the target folder, and list them in its split.csv.

    source: NIfTI, NRRD and MetaImage files, and folders of DICOM, one patient each, such as those of LIDC-IDRI, of
    which the CT series with most images is taken.
    phantoms: so many procedural bodies of an anatomy, and a fifth of that of each other one. A fifth of the patients of
    each kind (the letters that their names begin with) is set apart for tests; edit the list to change that, or the
    weight that a body has in training. Raises InputError when there is no CT.
    """
    target.mkdir(parents=True, exist_ok=True)
    names: list[str] = []
    for path in volumes(source):
        try:
            body = body_of(read_ct(path))
        except InputError as error:
            say(f"{path.name} is left out: {error}")
            continue
        name = re.sub(r"\.(nii|nrrd|mha|mhd)(\.gz)?$", "", path.name)
        save(body, name, target, say)
        names.append(name)
    if not names:
        raise InputError(f"There is no CT in '{source}'; give a folder with NIfTI, NRRD, MetaImage or DICOM.")
    rows: list[tuple[str, float]] = []
    for each in Anatomy:
        for seed in range(_FIRST_SEED, _FIRST_SEED + (phantoms if each is anatomy else phantoms // 5)):
            name = f"phantom_{each.value}_{seed}"
            save(body_of(phantom(each, _PHANTOM, seed)), name, target, say)
            rows.append((name, 0.5))
    write_split(target, names, rows)


def bodies(folder: Path, split: str) -> tuple[list[Body], np.ndarray]:
    """The bodies of a prepared folder that are for "train" or "test", and their weights, whose sum is 1.

    Raises InputError when there are none.
    """
    try:
        with (folder / _LIST).open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["split"] == split]
        found = [Body(row["name"], np.load(folder / f"{row['name']}.npz", allow_pickle=False)["maps"]) for row in rows]
        weights = np.array([float(row["weight"]) for row in rows])
    except (OSError, KeyError, ValueError):
        raise InputError(
            f"'{folder}' holds no prepared data, or damaged ones; make them with inverse-imaging prepare."
        ) from None
    if not weights.sum() > 0:
        raise InputError(f"The list {folder / _LIST} has no body for '{split}'; edit it, or prepare more CTs.")
    return found, weights / weights.sum()


def kind_of(name: str) -> str:
    """What is in a body: the letters that its name begins with."""
    return re.match(r"[^\W\d_]*", name)[0].lower()  # type: ignore[index]


def held_out(names: Sequence[str]) -> set[str]:
    """A fifth of each kind, the same ones for the same names."""
    kinds: dict[str, list[str]] = {}
    for name in names:
        kinds.setdefault(kind_of(name), []).append(name)
    return {
        name
        for kind in kinds.values()
        for name in sorted(kind, key=lambda name: hashlib.sha256(name.encode()).hexdigest())[: round(len(kind) / 5)]
    }


def volumes(source: Path) -> Iterator[Path]:
    """What may be CTs in a folder: files of volumes, and folders of DICOM, one patient each."""
    for path in sorted(source.iterdir()):
        if path.is_dir() or re.search(r"\.(nii|nii\.gz|nrrd|mha|mhd)$", path.name):
            yield path


def read_ct(path: Path) -> Image:
    """A file of a volume, or of a folder of DICOM the CT series with most images. Raises InputError."""
    if not path.is_dir():
        return read(path)
    found = list_series(path)
    scans = [number for number, each in enumerate(found) if each.headers[0].get("Modality") == "CT"]
    most = max(scans, key=lambda number: len(found[number].files), default=-1)
    return read(path, series=str(most + 1) if scans else "")


def save(body: Body, name: str, folder: Path, say: Callable[[str], None] = print) -> None:
    """Write a body into a folder of prepared data, whose list has still to name it."""
    np.savez_compressed(folder / f"{name}.npz", maps=body.maps)
    say(f"{name}: {' x '.join(map(str, body.maps.shape[:0:-1]))} voxels of {SPACING:g} mm")


def write_split(folder: Path, names: Sequence[str], only_for_training: Sequence[tuple[str, float]] = ()) -> None:
    """List the bodies of a folder, of which some are set apart for tests (see held_out); and others with weights."""
    tests = held_out(names)
    rows = [(name, "test" if name in tests else "train", 1.0) for name in names]
    more = [(name, "train", weight) for name, weight in only_for_training]
    with (folder / _LIST).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("name", "split", "weight"), *rows, *more])
