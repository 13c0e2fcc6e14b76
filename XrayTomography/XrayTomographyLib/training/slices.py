"""Training data from slices of any kind, without HU: folders of pictures, pages, videos, volumes."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageSequence

from InverseImagingLib import files
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import read
from InverseImagingLib.training.bodies import Body, on_body_grid, save, write_split

_LENGTH = 240.0  # mm that the longest side of a subject is taken for
_BONE = 1.9  # g/cm3 of the brightest
_DARK, _BRIGHT = 0.08, 0.999  # share of the range that is noise; of the voxels that are no brighter
_AXIAL = np.diag([-1.0, -1.0, 1.0, 1.0])  # the first row in front, the first column at the right
_PAGES, _VIDEOS = {".tif", ".tiff", ".gif"}, {".mp4", ".avi", ".mov", ".mpg", ".mpeg", ".mkv", ".webm", ".wmv"}
_PICTURES = {".png", ".jpg", ".jpeg", ".bmp", *_PAGES}


def prepare_slices(source: Path, target: Path, say: Callable[[str], None] = print) -> None:
    """Turn every stack of slices in a folder into a body of bone alone, and list them in the target's split.csv.

    A stack is a folder of pictures in the order of their names, a TIFF or GIF of several pages, a video (with the
    package av), or a volume that image.read knows, such as NIfTI or a folder of DICOM. Its gray values are densities in
    any unit; slices run from the feet up, and show what is in front at the top and the right side at the left. Slices
    are as far apart as pixels, unless a volume says otherwise, and the longest side of what they show counts as 240 mm.
    A fifth is set apart for tests; see bodies.write_split. Raises InputError when there is no stack.
    """
    target.mkdir(parents=True, exist_ok=True)
    names: list[str] = []
    for path in sorted(path for path in source.iterdir() if not path.name.startswith(".")):
        name = path.name if path.is_dir() else re.sub(r"(\.nii)?\.[^.]+$", "", path.name)
        try:
            body = body_of_slices(*_stack(path), name)
        except InputError as error:
            say(f"{path.name} is left out: {error}")
            continue
        save(body, name, target, say)
        names.append(name)
    if not names:
        raise InputError(f"There are no slices in '{source}'; give a folder of folders of pictures, videos or volumes.")
    write_split(target, names)


def body_of_slices(slices: np.ndarray, ijk_to_ras: np.ndarray, name: str) -> Body:
    """The body in gray slices (K, J, I); ijk_to_ras: where they lie, in any unit of length.

    Raises InputError for slices that show nothing.
    """
    gray = slices.astype(np.float32)
    edge = np.concatenate([gray[:, [0, -1]].reshape(-1), gray[:, :, [0, -1]].reshape(-1)])
    low, high = float(np.median(edge)), float(np.quantile(gray, _BRIGHT))
    if not high - low > 0:
        raise InputError("its slices show nothing that is brighter than what is around it.")
    density = ((gray - low) / (high - low)).clip(0, 1)
    density[density < _DARK] = 0.0
    inner = [slice(where.min(), where.max() + 1) for where in np.nonzero(density)]
    density = density[tuple(inner)]
    extent = np.linalg.norm(ijk_to_ras[:3, :3], axis=0) * density.shape[::-1]
    place = ijk_to_ras * (_LENGTH / extent.max())
    place[3, 3] = 1.0
    return Body(name, on_body_grid(np.stack([_BONE * density, np.zeros_like(density)]), place))


def _stack(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Gray slices (K, J, I), and where they lie. Raises InputError."""
    kind = path.suffix.lower()
    pictures = sorted(each for each in path.iterdir() if each.suffix.lower() in _PICTURES) if path.is_dir() else []
    if pictures:
        return _gray([_frames(each)[0] for each in pictures]), _AXIAL
    if kind in _PAGES | _VIDEOS:
        return _gray(_frames(path)), _AXIAL
    if path.is_dir() or files.is_known(path):
        image = read(path)
        return image.array, image.ijk_to_ras
    raise InputError("it holds no slices.")


def _frames(path: Path) -> list[np.ndarray]:
    """The pages of a picture, or the frames of a video, gray (H, W). Raises InputError."""
    try:
        if path.suffix.lower() in _VIDEOS:
            return _video(path)
        with PIL.Image.open(path) as picture:
            return [np.asarray(page.convert("F")) for page in PIL.ImageSequence.Iterator(picture)]
    except (OSError, ValueError) as error:
        raise InputError(f"{path.name} cannot be read ({str(error).splitlines()[0]}).") from None


def _video(path: Path) -> list[np.ndarray]:
    try:
        av = importlib.import_module("av")
    except ImportError:
        raise InputError("videos need one more package: pip install av") from None
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]


def _gray(frames: list[np.ndarray]) -> np.ndarray:
    """(K, J, I) of pictures (H, W). Raises InputError."""
    if len({frame.shape for frame in frames}) != 1 or len(frames) < 2:
        raise InputError("its slices are fewer than two, or of several sizes.")
    return np.stack(frames)
