"""Image files other than DICOM, through SimpleITK: exact or refused, whole or absent."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813

from .errors import InputError
from .image import Image, Meaning
from .intact import check_complete

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])

_VOLUMES = (".nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", ".mhd")
_PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
_KEEPS_MEANING = (".nrrd", ".nhdr", ".mha", ".mhd")
_MEANING_KEY = "InverseImagingMeaning"

_VOLUME_TYPES = (*(f"{kind}{bits}" for kind in ("uint", "int") for bits in (8, 16, 32, 64)), "float32", "float64")
_PICTURE_TYPES = {
    ".png": ("uint8", "uint16"),
    ".jpg": ("uint8",),
    ".tif": ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32"),
}

_quiet_lock = threading.RLock()


def suffix(path: Path) -> str:
    """The lower-case suffix that names the format; '.nii.gz' counts as one."""
    return ".nii.gz" if path.name.lower().endswith(".nii.gz") else path.suffix.lower()


def is_known(path: Path) -> bool:
    """Whether the suffix names a format of this file."""
    return suffix(path) in _VOLUMES + _PICTURES


def is_volume(path: Path) -> bool:
    """Whether the suffix names a format that holds a volume with its place in the patient."""
    return suffix(path) in _VOLUMES


def read_file(path: Path) -> Image:
    """The image in a file of a known format; see image.read."""
    decoded = decode(path)
    array = sitk.GetArrayFromImage(decoded)
    channels = decoded.GetNumberOfComponentsPerPixel()
    if array.dtype.kind == "c" or channels not in (1, 3, 4):
        what = "complex values" if array.dtype.kind == "c" else f"{channels} values per voxel"
        raise InputError(f"'{path.name}' has {what}; an image with one gray value or RGB(A) per voxel is needed.")
    spatial = array.shape[:-1] if channels > 1 else array.shape
    if len(spatial) > 3 and max(spatial[:-3]) > 1:
        raise InputError(f"'{path.name}' is a series of {spatial[-4]} volumes (4D); save one of them as its own file.")
    array = array.reshape((1, *spatial)[-3:] + ((channels,) if channels > 1 else ()))
    return Image(array, ijk_to_ras(decoded), _meaning(decoded, array, path), path.name[: -len(suffix(path))])


def write_file(image: Image, path: Path) -> None:
    """Write a file of a known format; see image.write."""
    if not is_known(path):
        known = ", ".join(_VOLUMES + _PICTURES)
        raise InputError(f"'{path.name}' names no format to write; use {known}, or .dcm or a folder for DICOM.")
    array = _storable(image, path)
    picture = suffix(path) in _PICTURES
    if picture and len(array) == 1:
        array = array[0]
    encoded = sitk.GetImageFromArray(array, isVector=image.is_color)
    dimension = encoded.GetDimension()
    lps = LPS_TO_RAS @ image.ijk_to_ras
    encoded.SetSpacing(image.spacing[:dimension])
    if not picture:
        encoded.SetOrigin(lps[:3, 3].tolist())
        encoded.SetDirection((lps[:3, :3] / image.spacing).ravel().tolist())
    if suffix(path) in _KEEPS_MEANING:
        encoded.SetMetaData(_MEANING_KEY, image.meaning.value)

    with beside(path) as folder, quiet():
        written = folder / path.name
        try:
            sitk.WriteImage(encoded, str(written), useCompression=not picture)
            header = _header(written)
        except RuntimeError:
            raise InputError(f"'{path}' could not be written; check the free space and choose another place.") from None
        if not picture and not _same_grid(header, encoded):
            problem = (
                f"{suffix(path)} cannot hold the geometry of '{image.name}' (sheared axes, or a single color slice)"
            )
            raise InputError(f"{problem}; write .nrrd instead.")


def decode(path: Path) -> sitk.Image:
    """SimpleITK's reading of one file, or an InputError for one that is damaged, incomplete or something else."""
    if not path.is_file():
        raise InputError(f"There is no file '{path}'; check the path.")
    try:
        with path.open("rb") as stream:
            empty = not stream.read(1)
    except OSError as error:
        raise InputError(f"'{path}' cannot be opened ({error.strerror}); check its permissions.") from None
    if empty:
        raise InputError(f"'{path.name}' is empty; copy or export it again.")
    with quiet():
        try:
            header = _header(path)
            check_complete(path, header)
            decoded = sitk.ReadImage(str(path))
        except (RuntimeError, EOFError):
            raise InputError(
                f"'{path.name}' cannot be read: it is damaged, incomplete or no image file; copy or export it again."
            ) from None
    return decoded


def ijk_to_ras(decoded: sitk.Image | sitk.ImageFileReader) -> np.ndarray:
    """The 4 x 4 geometry of an ITK image of 2 or more dimensions; a picture lies in the plane K = 0."""
    size = decoded.GetDimension()
    lps = np.eye(4)
    shared = min(size, 3)
    directions = np.reshape(decoded.GetDirection(), (size, size))[:shared, :shared]
    lps[:shared, :shared] = directions * decoded.GetSpacing()[:shared]
    lps[:shared, 3] = decoded.GetOrigin()[:shared]
    return LPS_TO_RAS @ lps


@contextlib.contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A hidden folder beside `path`, whose contents move to the folder of `path` when the block ends without error."""
    if path.is_dir() and any(path.iterdir()):
        raise InputError(f"The folder '{path}' is not empty; name a new one.")
    if not path.parent.is_dir():
        raise InputError(f"There is no folder '{path.parent}' to write '{path.name}' to; create it first.")
    try:
        folder = Path(tempfile.mkdtemp(prefix=".partial-", dir=path.parent))
    except OSError as error:
        raise InputError(f"'{path.parent}' cannot be written to ({error.strerror}); choose another folder.") from None
    try:
        yield folder
        if path.is_dir():
            path.rmdir()
        # A header goes last, so that it never names data that are not there yet.
        for item in sorted(folder.iterdir(), key=lambda item: item.name == path.name):
            item.replace(path.parent / item.name)
    except OSError as error:
        raise InputError(f"'{path}' could not be written ({error.strerror}); choose another place.") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No chatter of ITK, pydicom and the C libraries under them, which print to the file descriptor of stderr."""
    with _quiet_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shown = sitk.ProcessObject.GetGlobalWarningDisplay()
        sitk.ProcessObject.SetGlobalWarningDisplay(False)
        try:
            if sys.stderr is not None:
                sys.stderr.flush()
            kept = os.dup(2)
        except OSError:  # a program without a console
            kept = None
        try:
            if kept is not None:
                with Path(os.devnull).open("w") as nowhere:
                    os.dup2(nowhere.fileno(), 2)
            yield
        finally:
            if kept is not None:
                os.dup2(kept, 2)
                os.close(kept)
            sitk.ProcessObject.SetGlobalWarningDisplay(shown)


def _header(path: Path) -> sitk.ImageFileReader:
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    return reader


def _same_grid(header: sitk.ImageFileReader, encoded: sitk.Image) -> bool:
    """Whether no voxel moved by more than a hundredth of a voxel (NIfTI stores single precision)."""
    if header.GetSize() != encoded.GetSize() or header.GetPixelID() != encoded.GetPixelID():
        return False
    difference = ijk_to_ras(header) - ijk_to_ras(encoded)
    shift = np.abs(difference[:3]) @ np.array([*encoded.GetSize(), 1])
    return bool(shift.max() < 0.01 * min(encoded.GetSpacing()))


def _storable(image: Image, path: Path) -> np.ndarray:
    """The array in a type that the format holds without loss; bool becomes uint8 and float16 becomes float32."""
    array, end = image.array, {".jpeg": ".jpg", ".tiff": ".tif"}.get(suffix(path), suffix(path))
    if array.dtype in (np.bool_, np.float16):
        array = array.astype(np.uint8 if array.dtype == np.bool_ else np.float32)
    types = _PICTURE_TYPES.get(end, _VOLUME_TYPES)
    if array.dtype.name not in types:
        raise InputError(f"{end} cannot hold {array.dtype} values of '{image.name}', only {', '.join(types)}.")
    if end in _PICTURE_TYPES:
        if image.meaning in (Meaning.HU, Meaning.ATTENUATION):
            raise InputError(f"{end} holds pictures, not {image.meaning.value} with geometry; write .nrrd or .nii.gz.")
        if end == ".jpg" and (image.meaning is Meaning.LABEL or array.shape[3:] == (4,)):
            raise InputError(f"JPEG is lossy and has no transparency; write '{image.name}' as .png instead.")
        if len(array) > 1 and (end != ".tif" or image.is_color):
            raise InputError(f"{end} holds one picture, but '{image.name}' has {len(array)} slices; write .nrrd.")
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))


def _meaning(decoded: sitk.Image, array: np.ndarray, path: Path) -> Meaning:
    if decoded.HasMetaDataKey(_MEANING_KEY):
        with contextlib.suppress(ValueError):
            return Meaning(decoded.GetMetaData(_MEANING_KEY))
    if array.ndim == 4:
        return Meaning.RGB
    if suffix(path) in _PICTURES:
        return Meaning.DISPLAY
    return Meaning.HU if -10000 <= array.min() <= -200 else Meaning.SCALAR
