"""What is compared: ways to find a film and to take its light out."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from torch import nn

from InverseImagingLib.errors import InputError
from InverseImagingLib.models import Weights, load_weights

from .. import gate, model
from ..light import relight
from ..networks import luminance
from ..outline import outlines
from ..paper.cascade import light_cascade, restored, values_cascade
from ..paper.sheets import located
from ..paper.variants import Variant, network_of
from ..sheet import Sheet
from .peers import contour, thin_plate

OURS = "ours"
CONTOUR, PLATE, OUTLINE = "contour", "thin plate", "outline"  # OpenCV, the same and a spline, ours without a network
PAPER_VALUES = "paper_values"
_CASCADES = {"paper_tone": light_cascade, PAPER_VALUES: values_cascade}
_VARIANTS = {
    "paper": Variant.FULL,
    "paper_maps": Variant.MAPS,
    "paper_uv": Variant.UV,
    "paper_backward": Variant.BACKWARD,
}


N = TypeVar("N", bound=nn.Module)


@dataclass(frozen=True)
class Method:
    """locate: the film in a photo (H, W, 3) of bytes, or InputError. tone: its gray (h, w) of its colors (h, w, 3)."""

    locate: Callable[[np.ndarray], Sheet]
    tone: Callable[[np.ndarray], np.ndarray]


def methods_of(weights: Weights, say: Callable[[str], None] = print, **paper: Weights) -> dict[str, Method]:
    """Ours, without parts of it, its peers, and the paper's networks with weights by the name of variant or cascade.

    All have their light taken out by ours, but those that are of light; a cascade gets films that ours found.
    """
    tone = partial(_toned, weights=weights)
    ours = _kept(partial(_by_model, weights=weights))
    gated = _kept(partial(_gated, locate=ours))
    found = {
        OURS: Method(gated, tone),
        "without gate": Method(ours, tone),
        "without content": Method(
            _kept(partial(_gated, locate=partial(_by_model, weights=weights, by_content=False))), tone
        ),
        "corners only": Method(lambda photo: ours(photo).straight(), tone),
        "classical light": Method(gated, _relit),
        "light as seen": Method(gated, as_seen),
        OUTLINE: Method(_by_outline, tone),
    }
    if importlib.util.find_spec("cv2"):
        found |= {CONTOUR: Method(contour, tone), PLATE: Method(thin_plate, tone)}
    else:
        say("OpenCV is not installed, so that its contours are not compared (pip install opencv-python-headless).")
    for name, own in paper.items():
        if name in _CASCADES:
            found[name] = Method(gated, partial(restored, network=_loaded(_CASCADES[name](), own)))
        else:
            found[name] = Method(partial(located, network=_loaded(network_of(_VARIANTS[name]), own)), tone)
    return found


def _loaded(network: N, weights: Weights) -> N:
    load_weights(network, weights)
    return network.eval()


def _kept(locate: Callable[[np.ndarray], Sheet]) -> Callable[[np.ndarray], Sheet]:
    """The same, which remembers the last photo's sheet, or that it shows none: methods that differ later begin with the
    same one."""
    last: list[tuple[np.ndarray, Sheet | InputError]] = []

    def found(photo: np.ndarray) -> Sheet:
        if not last or last[0][0] is not photo:
            try:
                last[:] = [(photo, locate(photo))]
            except InputError as error:
                last[:] = [(photo, error)]
        sheet = last[0][1]
        if isinstance(sheet, InputError):
            raise sheet
        return sheet

    return found


def _gated(photo: np.ndarray, locate: Callable[[np.ndarray], Sheet]) -> Sheet:
    sheet = locate(photo)
    seen = gate.Coarse.of(photo, sheet)
    flat = gate.flattest(sheet, seen)
    return flat if gate.judge(sheet, flat, seen)[0] else sheet


def _by_model(photo: np.ndarray, weights: Weights, by_content: bool = True) -> Sheet:
    return model.locate(photo, weights, by_content=by_content)[0]


def _by_outline(photo: np.ndarray) -> Sheet:
    found = outlines(photo)
    if not found:
        raise InputError("There is no film in the photo, as far as can be seen; mark its corners by hand.")
    return found[0].sheet


def _toned(colors: np.ndarray, weights: Weights) -> np.ndarray:
    return model.toned(colors, weights)[0]


def _relit(colors: np.ndarray) -> np.ndarray:
    return relight(colors)[0]


def as_seen(colors: np.ndarray) -> np.ndarray:
    """The luminance (h, w) of colors (h, w, 3) from 0 to 1."""
    return luminance(torch.from_numpy(colors).permute(2, 0, 1)[None])[0, 0].numpy()
