"""The compact networks at work: a film found in a photo, and its light."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL import Image as Pictures
from scipy import ndimage
from threadpoolctl import threadpool_limits
from torch.nn import functional as layers
from torch.nn.utils import convert_conv2d_weight_memory_format

from InverseImagingLib.errors import InputError
from InverseImagingLib.models import Weights, load_weights

from .bending import bent
from .clear_rim import with_clear_rim
from .content import by_content
from .hanging import rehung
from .homography import aspect, homography, transformed
from .letters import likelihoods
from .looks import SIZE, around, film_frame, frame_of, seen_at, whole_frame
from .networks import STRIDE, FilmNet, GridNet, LetterNet, Look, PlaceNet, RimNet, luminance
from .networks import toned as by_curves
from .quads import largest
from .rim import followed
from .settling import settled
from .sheet import NODES, Sheet
from .sides import sides_of
from .surface import Surface
from .warp import Pyramid, backward_map, places, resampled
from .waves import tiled, waves_of

_WHERE = 3  # looks at the whole photo, then at the film, ever nearer to where it lies; a last one sees how it bends
_LONGEST = 1280  # pixels of a photo that frames are made of
_LEAST = 0.02  # of a frame, that a film takes at least
_APART = 0.98  # the probability of film that is not met between two films
_OTHER = 0.4  # of the largest region of film, that one of another film is at least
_FINE = 2  # places for each of PlaceNet's, that the film is read from
_TIMES = 2  # that the rim is moved to where a network sees it
_RIM = 0.06  # of the film, in which the last look does not move it across its sides
_EDGES = 0.03, 640, 4, 0.005  # how it is followed in the photo then: see rim.followed
_NODES = places((NODES, NODES))
_NONE = "There is no film in the photo, as far as can be seen; mark its corners by hand."
_SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
_CLEAR = 0.8  # a film that is seen and sure together by less is sought in another way
# A film whose rim is seen less, whose place is less sure, and whose waves agree less with tiles, is none
_SEEN, _SURE, _TILED = 0.55, 0.9, 2.5
_FAR = 0.1  # gray
_BURNT = 0.9  # luminance of a photo from which most grays are far off, on 40 drawn films of training patients
_WHITE = 0.9  # gray of film that may well be so bright
_READ, _MET = 0.03, 3.0  # how far what was read may be off where a film is hung by its rim, and what may be left then
_AWAY = 0.005  # of the film, from where it lies elsewhere
_TOLERANCE = 0.01  # of the film: confidence is the probability of a smaller error


def locate(
    photo: np.ndarray, weights: Weights, device: str | torch.device = "cpu", by_content: bool = True
) -> tuple[Sheet, int]:
    """Where the film lies in a photo (H, W, 3) of uint8, and how it bends; and how many films the photo shows, of which
    none is much smaller than the largest.

    by_content: also by what is printed on it, see waves, straightening, spacing and likening. Raises InputError when
    there is none.
    """
    networks = _networks(weights).to(device)
    with _one_thread():
        return located(photo, networks.place, networks.rim, networks.grid if by_content else None)


def located(photo: np.ndarray, network: PlaceNet, rim: RimNet, grid: GridNet | None = None) -> tuple[Sheet, int]:
    """The same with networks in evaluation mode, by content where there is one that sees it."""
    small, scale = _reduced(photo)
    found = [_approached(small, network, rim, True)]
    if found[0].clear < _CLEAR:
        with suppress(InputError):
            found.append(_approached(small, network, rim, False))
    clearest = max(found, key=lambda each: each.clear)
    seen = clearest.seen > _SEEN or clearest.sheet.confidence.mean() > _SURE
    if grid:
        with ThreadPoolExecutor() as pool:
            ways = list(pool.map(lambda each: _hanging(small, each, rim), found))
        sheet = by_content(small, [way for each in ways for way in each], rim, grid)
        seen = seen or tiled(small.gray, sheet, grid) > _TILED
    else:
        sheet = settled(small, clearest.sheet, clearest.rough, rim).of(clearest.sheet)
    if not seen:
        raise InputError(_NONE)
    sheet = with_clear_rim(small, sheet)
    return sheet.shrunk(1 / scale), found[0].films


@contextmanager
def _one_thread() -> Iterator[None]:
    """PyTorch and NumPy have one thread each for every one that asks: in the many small steps more would wait for each
    other longer than they work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1, "blas"):
            yield
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True)
class _Found:
    """A film in a photo, how well its rim is seen, 0 to 1, what that alone tells, and how many films there are."""

    sheet: Sheet
    seen: float
    rough: Surface
    films: int

    @property
    def clear(self) -> float:
        """How well the film is seen and how sure its places are, together, 0 to 1."""
        return self.seen * float(self.sheet.confidence.mean())


def _approached(photo: Pyramid, network: PlaceNet, rim: RimNet, flat: bool) -> _Found:
    """The film in a photo by looks ever nearer to it.

    flat: until the last of them it counts as flat, by its corners; which are hardly to be seen where it bends much.
    """
    frame, counts = whole_frame(photo.shape[:2]), []
    for number in range(_WHERE):
        look = _look(network, frame_of(photo, frame))
        mask, films = _mask(look)
        counts.append(films)
        rough = _outlined(mask) if flat and number < _WHERE - 1 else _read(look, mask)[0]
        backward = transformed(rough, frame)
        for _ in range(_TIMES):
            backward = sides_of(photo, backward, rim).moved(backward)
        seen, backward = followed(photo, backward, *_EDGES)
        frame = film_frame(homography(_NODES.reshape(-1, 2), backward.reshape(-1, 2)))
    hanging, rough = bent(photo, backward)
    through = around(hanging)
    look = _look(network, seen_at(photo, through))
    read, confidence = _read(look, _mask(look)[0])
    there = transformed(_NODES, np.linalg.inv(film_frame(np.eye(3))))
    kept = there + (read - there) * (np.minimum(_NODES, 1 - _NODES) / _RIM).clip(0, 1)
    sheet = Sheet(resampled(through, kept.astype(np.float32)), confidence, 1.0, "model")
    shape = photo.shape[:2]
    return _Found(replace(sheet, aspect=aspect(sheet.corners, shape)), seen, Surface.bent(rough, shape), counts[0])


def _hanging(photo: Pyramid, found: _Found, rim: RimNet) -> list[tuple[Sheet, Surface]]:
    """A film as a surface that hardly stretches: by its rim nearly alone, if that is met, and not so if that lies
    elsewhere."""
    surface = settled(photo, found.sheet, found.rough, rim)
    sheet = surface.of(found.sheet)
    other, cost = rehung(photo, sheet, surface, rim, np.random.default_rng(0), _READ)
    away = np.linalg.norm(other.backward - surface.backward, axis=-1).mean() / max(sheet.size())
    met = cost < _MET
    ways = [other] if met and away < _AWAY else [other, surface] if met else [surface]
    return [(each.of(sheet), each) for each in ways]


def _look(network: PlaceNet, frame: np.ndarray) -> Look:
    seen = torch.from_numpy(frame)[None].to(next(network.parameters()).device)
    with torch.inference_mode():
        return Look(**{name: value.cpu() for name, value in vars(network(seen)).items()})


def _mask(look: Look) -> tuple[np.ndarray, int]:
    """The probability of film (h, w), 0 for all films but the largest, and how many there are. Raises InputError where
    there is hardly any."""
    mask: np.ndarray = look.mask[0, 0].sigmoid().numpy()
    films = _films(mask)
    if len(films) > 1:
        mask[np.argmin([ndimage.distance_transform_edt(~film) for film in films], axis=0) > 0] = 0
    regions, _ = ndimage.label(mask > 0.5)
    sizes = np.bincount(regions.ravel())[1:]
    if max(sizes, default=0) < _LEAST * mask.size:
        raise InputError(_NONE)
    mask[(regions > 0) & (regions != 1 + np.argmax(sizes))] = 0
    return mask, len(films)


def _films(mask: np.ndarray) -> list[np.ndarray]:
    """Where each film surely is (h, w), the largest first, by the probability of film (h, w)."""
    regions, _ = ndimage.label(mask > _APART)
    sizes = np.bincount(regions.ravel())[1:]
    large = np.flatnonzero(sizes > _OTHER * max(sizes, default=0))
    return [regions == 1 + number for number in large[np.argsort(-sizes[large])]]


def _outlined(mask: np.ndarray) -> np.ndarray:
    """A flat film in the frame (NODES, NODES, 2) by the corners of what is probably film (h, w)."""
    fine = ndimage.zoom(mask, _FINE, order=1, grid_mode=True, mode="nearest")
    step = STRIDE / _FINE
    return transformed(_NODES, homography(_SQUARE, largest(np.argwhere(fine > 0.5)[:, ::-1]) * step + (step - 1) / 2))


def _read(look: Look, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The film as it lies in the frame (NODES, NODES, 2), and how sure that is (NODES, NODES)."""
    uv, doubt, film = (
        layers.interpolate(each, scale_factor=_FINE, mode="bicubic", align_corners=False)[0].permute(1, 2, 0).numpy()
        for each in (look.uv, look.doubt, torch.from_numpy(mask)[None, None])
    )
    found, known = backward_map(uv, film[..., 0] > 0.5, (NODES, NODES))
    error = np.exp(resampled(doubt[..., 0], found.astype(np.float32)))
    confidence = (1 - np.exp(-_TOLERANCE / error)) * np.where(known, 1.0, 0.3)
    step = STRIDE / _FINE
    return found * step + (step - 1) / 2, confidence.astype(np.float32)


def _reduced(photo: np.ndarray) -> tuple[Pyramid, float]:
    """A photo of a size that frames can be made of, and how many pixels of the given one each of its pixels is."""
    factor = max(photo.shape) // _LONGEST
    if factor < 2:
        return Pyramid(photo), 1.0
    return Pyramid(np.array(Pictures.fromarray(photo).reduce(factor))), float(factor)


def toned(
    film: np.ndarray, weights: Weights, device: str | torch.device = "cpu", light: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The gray (h, w) of a flat film (h, w, 3) in its light, both 0 to 1, and the probability that it is far off.

    That is 1 where the photo is burnt out, but the film not white. light: luminance of a finer film to tone.
    """
    network = _networks(weights).tone.to(device)
    colors = torch.from_numpy(film).permute(2, 0, 1)[None]
    small = layers.interpolate(colors, (SIZE, SIZE), mode="bilinear", antialias=True).clamp(0, 1)
    with torch.inference_mode():
        curves, doubt = (values.cpu() for values in network(small.to(device)))
    seen = luminance(colors) if light is None else torch.from_numpy(light)[None, None]
    doubtful = layers.interpolate((-_FAR / doubt.exp()).exp(), seen.shape[2:], mode="bilinear")
    gray = by_curves(seen, curves).clamp_(0, 1)
    doubtful[(seen > _BURNT) & (gray < _WHITE)] = 1
    return gray[0, 0].numpy(), doubtful[0, 0].numpy()


def upright(
    film: np.ndarray, weights: Weights, letters: Weights | None, device: str | torch.device = "cpu"
) -> tuple[int, bool, float]:
    """How a flat film (h, w), 0 to 1, is to be turned: by how many quarters clockwise, after it was mirrored or not,
    and the probability that this is right. letters: weights of the network that sees them, where there are any."""
    network = _networks(weights).turn.to(device)
    small = layers.interpolate(torch.from_numpy(film)[None, None], (SIZE, SIZE), mode="bilinear", antialias=True)
    with torch.inference_mode():
        told = network(small.to(device)).log_softmax(dim=1)[0].cpu()
    if letters:
        told = told + likelihoods(film, _letters(letters).to(device))
    chances = told.softmax(dim=0)
    turn = int(chances.argmax())
    return turn % 4, turn >= 4, float(chances[turn])


def waves(film: np.ndarray, weights: Weights, device: str | torch.device = "cpu") -> np.ndarray:
    """Where in its row and column of tiles each place of a flat film (h, w), 0 to 1, lies: see networks.GridNet.

    (2, n, n) complex, down and along the film.
    """
    return waves_of(film, _networks(weights).grid.to(device))


def refined(gray: np.ndarray, weights: Weights, device: str | torch.device = "cpu") -> np.ndarray:
    """Slices of a film (K, J, I), gray from 0 to 1, without noise, moire and JPEG's blocks."""
    network = _networks(weights).values.to(device)
    with torch.inference_mode():
        return np.stack([network(torch.from_numpy(page)[None, None].to(device))[0, 0].cpu().numpy() for page in gray])


@functools.lru_cache(maxsize=1)
def _networks(weights: Weights) -> FilmNet:
    networks = FilmNet()
    load_weights(networks, weights)
    convert_conv2d_weight_memory_format(networks, torch.channels_last)  # a third quicker on processors
    return networks.eval()


@functools.lru_cache(maxsize=1)
def _letters(weights: Weights) -> LetterNet:
    network = LetterNet()
    load_weights(network, weights)
    convert_conv2d_weight_memory_format(network, torch.channels_last)
    return network.eval()
