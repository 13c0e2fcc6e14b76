"""What can be set of a simulated radiograph, and the views that a setting asks for. Needs no torch."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass

import numpy as np

from ..device import Device
from ..errors import InputError
from ..method import Choice, option
from .geometry import Geometry, Preset, preset_geometry

MOST_VIEWS = 1000


class Beam(Choice):
    """Whose spectrum: that of an X-ray tube, or the ten energies of the XraySyn paper."""

    TUBE = "tube"
    PAPER = "paper"


class Look(Choice):
    """What the pixels say."""

    RADIOGRAPH = "radiograph"
    ATTENUATION = "attenuation"
    INTENSITY = "intensity"

    def label(self) -> str:
        return {
            "radiograph": "Radiograph (bone is bright)",
            "attenuation": "Attenuation (line integrals)",
            "intensity": "Intensity (what the detector sees)",
        }[self.value]


@dataclass(frozen=True)
class RadiographOptions:
    """Settings of a simulated radiograph. 0 or "" stands for the preset's own value."""

    preset: Preset = option(Preset.CHEST_PA, "Arrangement of source, patient and detector.")
    azimuth: float = option(
        0.0, "Turns the detector from the preset's place towards the patient's left.", low=-360, high=360, unit="°"
    )
    elevation: float = option(0.0, "Raises the detector towards the patient's head.", low=-90, high=90, unit="°")
    roll: float = option(0.0, "Turns the picture clockwise.", low=-360, high=360, unit="°")
    sweep: str = option("", "Several views, as A0:A1:N: N azimuths from A0 to A1 degrees; empty means one view.")
    offset_right: float = option(
        0.0, "Isocenter from the middle of the volume, towards the patient's right.", low=-5000, high=5000, unit="mm"
    )
    offset_anterior: float = option(
        0.0, "Isocenter from the middle of the volume, towards the front.", low=-5000, high=5000, unit="mm"
    )
    offset_superior: float = option(
        0.0, "Isocenter from the middle of the volume, towards the head.", low=-5000, high=5000, unit="mm"
    )
    width: int = option(0, "Pixels along a row of the detector; 0 means the preset's.", low=0, high=16384)
    height: int = option(0, "Rows of the detector; 0 means as many as columns.", low=0, high=16384)
    pixel: float = option(0.0, "Side of a detector pixel; 0 means the preset's.", low=0, high=1000, unit="mm")
    sdd: float = option(0.0, "Distance from source to detector; 0 means the preset's.", low=0, high=100000, unit="mm")
    sid: float = option(0.0, "Distance from source to isocenter; 0 means the preset's.", low=0, high=100000, unit="mm")
    parallel: bool = option(False, "Parallel rays instead of a cone.")
    spectrum: Beam = option(Beam.TUBE, "Spectrum of an X-ray tube, or the ten energies of the XraySyn paper.")
    kvp: float = option(120.0, "Tube voltage.", low=40, high=150, unit="kV")
    filtration: float = option(3.0, "Filtration of the beam, as aluminum.", low=0.5, high=40, unit="mm")
    photons: float = option(
        0.0, "Photons that reach a pixel of the open field, for quantum noise; 0 means no noise.", low=0, high=1e12
    )
    scatter: float = option(
        0.0, "Scattered over direct radiation behind the body; about 0.3 with a grid, 2 without.", low=0, high=20
    )
    blur: float = option(0.0, "Full width at half maximum of the detector's blur.", low=0, high=100, unit="mm")
    bone_threshold: float = option(
        250.0,
        "Half of the tissue at this value counts as bone, where no segmentation says.",
        low=50,
        high=2000,
        unit="HU",
    )
    remove_table: bool = option(True, "Leave out what is apart from the body, such as the table.")
    look: Look = option(Look.RADIOGRAPH, "What the pixels say.")
    draft: bool = option(False, "Half the resolution of body and detector, for a fast preview.")
    seed: int = option(0, "Seed of the noise.", low=0, high=2**31 - 1)
    device: Device = option(Device.AUTO, "What computes: auto, cpu, cuda or mps.")


def azimuths(options: RadiographOptions) -> list[float]:
    """The azimuth of each view, in degrees from the preset's direction. Raises InputError for an unreadable sweep."""
    if not options.sweep:
        return [options.azimuth]
    number = r"([-+]?\d+(?:\.\d*)?)"
    match = re.fullmatch(rf"\s*{number}:{number}:(\d+)\s*", options.sweep)
    if not match or not 1 <= int(match[3]) <= MOST_VIEWS:
        raise InputError(
            f"Option 'sweep' needs A0:A1:N, such as -18:18:9, with at most {MOST_VIEWS} views, not '{options.sweep}'."
        )
    return [float(azimuth) for azimuth in np.linspace(float(match[1]), float(match[2]), int(match[3]))]


def views(options: RadiographOptions, shape: tuple[int, ...], ijk_to_ras: np.ndarray) -> list[Geometry]:
    """The geometry of each view of a volume of shape (K, J, I). Raises InputError."""
    made = [
        preset_geometry(
            options.preset,
            shape,
            ijk_to_ras,
            azimuth=azimuth,
            elevation=options.elevation,
            roll=options.roll,
            offset=(options.offset_right, options.offset_anterior, options.offset_superior),
            width=options.width,
            height=options.height,
            pixel=options.pixel,
            sdd=options.sdd,
            sid=options.sid,
            parallel=options.parallel,
        )
        for azimuth in azimuths(options)
    ]
    return [_draft(view) for view in made] if options.draft else made


def _draft(view: Geometry) -> Geometry:
    """The same detector with pixels twice as wide."""
    return dataclasses.replace(
        view, width=max(view.width // 2, 1), height=max(view.height // 2, 1), pixel=2 * view.pixel
    )
