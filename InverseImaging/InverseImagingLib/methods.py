"""The methods of the extension: what they are called, what they do, and where their one function is."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .errors import InputError


@dataclass(frozen=True)
class Method:
    """One method of the extension.

    name: the Slicer module, or another name for what else a module does; title and sentence: what the user reads.
    function, options: "module:attribute" of the method's function and of its options dataclass.
    citation: the paper it follows; models: folder of its weights beside the module; module: the Slicer module, where
    that has another name. sample: "module:function" that makes a little image, on which the worker of a panel that must
    not keep the user waiting tries the method.
    """

    name: str
    title: str
    sentence: str
    function: str
    options: str
    citation: str
    models: str = ""
    module: str = ""
    sample: str = ""

    @property
    def is_module(self) -> bool:
        """Whether this is what its module is known for."""
        return not self.module

    def load_function(self) -> Callable[..., Any]:
        return _load(self.function)

    def load_options(self) -> type:
        return _load(self.options)

    def load_sample(self) -> Any:
        return _load(self.sample)()


METHODS = {
    method.name: method
    for method in (
        Method(
            name="CTRestoration",
            title="CT Restoration",
            sentence="Denoise a CT, make it finer, fill what is missing or damaged, and see what was changed.",
            function="CTRestorationLib.restore:restore",
            options="CTRestorationLib.options:RestorationOptions",
            citation=(
                "Y. Yin. CT Image Reconstruction and Optimization with Unsupervised Deep Learning. "
                "After: D. Ulyanov, A. Vedaldi, V. Lempitsky. Deep Image Prior. CVPR 2018."
            ),
            models="CTRestorationLib/prior",
        ),
        Method(
            name="XraySyn",
            title="X-ray Synthesis",
            sentence="See a radiograph from other sides and without its bones, or simulate radiographs of a CT.",
            function="InverseImagingLib.xray.radiograph:radiograph",
            options="InverseImagingLib.xray.options:RadiographOptions",
            citation=(
                "C. Peng, H. Liao, G. Wong, J. Luo, S. K. Zhou, R. Chellappa. "
                "XraySyn: Realistic View Synthesis From a Single Radiograph Through CT Priors. AAAI 2021."
            ),
            sample="InverseImagingLib.samples:ct",
        ),
        Method(
            name="XraySynRadiograph",
            title="X-ray Synthesis",
            sentence="See a radiograph from other sides, with its bones apart or taken away.",
            function="XraySynLib.synthesize:synthesize",
            options="XraySynLib.options:SynthesisOptions",
            citation="",
            module="XraySyn",
            sample="InverseImagingLib.samples:radiograph",
        ),
        Method(
            name="XrayTomography",
            title="X-ray Tomography",
            sentence="Turn one radiograph into a volume that projects to it, and walk around it.",
            function="XrayTomographyLib.tomograph:tomograph",
            options="XrayTomographyLib.options:TomographyOptions",
            citation=(
                "P. Henzler, V. Rasche, T. Ropinski, T. Ritschel. "
                "Single-image Tomography: 3D Volumes from 2D Cranial X-Rays. Eurographics 2018."
            ),
            sample="InverseImagingLib.samples:radiograph",
        ),
        Method(
            name="CT2RGB",
            title="CT2RGB",
            sentence="See a CT in the colors of anatomy, slice by slice and in 3D.",
            function="CT2RGBLib.colorize:colorize",
            options="CT2RGBLib.options:ColorizeOptions",
            citation=(
                "H.-J. Liao, J.-S. Lin, H.-C. Wang, M. Sun. "
                "CT2RGB: Seeing The True Colors of Computed Tomography Images. MIDL 2022 (under review)."
            ),
            sample="InverseImagingLib.samples:ct",
        ),
        Method(
            name="FilmRecovery",
            title="CT Film Recovery",
            sentence="Turn a photo of a CT film into the flat film, and the film into slices in HU.",
            function="FilmRecoveryLib.flatten:flatten",
            options="FilmRecoveryLib.options:FlattenOptions",
            citation=(
                "Q. Quan, Q. Wang, L. Li, Y. Du, S. K. Zhou. "
                "Recovering medical images from CT film photos. An earlier version: arXiv:2012.09491."
            ),
        ),
        Method(
            name="FilmSlices",
            title="CT Film Recovery",
            sentence="Turn a flat CT film into slices in HU.",
            function="FilmRecoveryLib.extract:extract",
            options="FilmRecoveryLib.options:ExtractOptions",
            citation="",
            module="FilmRecovery",
        ),
        Method(
            name="FilmRadiomics",
            title="CT Film Recovery",
            sentence="Measure features of the slices of a film, where it tells their values.",
            function="FilmRecoveryLib.measuring:measure",
            options="FilmRecoveryLib.options:RadiomicsOptions",
            citation="",
            module="FilmRecovery",
        ),
    )
}


def find_method(name: str) -> Method:
    """The method of that module name. Raises InputError when there is none."""
    if name not in METHODS:
        raise InputError(f"There is no method '{name}'; known are {', '.join(METHODS)}.")
    return METHODS[name]


def _load(path: str) -> Any:
    module, attribute = path.split(":")
    return getattr(importlib.import_module(module), attribute)
