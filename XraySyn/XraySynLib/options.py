"""What can be set of the synthesis from a radiograph. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass

from InverseImagingLib.device import Device
from InverseImagingLib.method import Choice, option
from InverseImagingLib.xray.intake import Crop, IntakeOptions, Invert

LARGEST_ANGLE = 18.0  # degrees that a view may be turned by
MOST_VIEWS = 200


class Projection(Choice):
    """How the patient stood."""

    PA = "pa"
    AP = "ap"

    def label(self) -> str:
        return {"pa": "Frontal, detector in front (PA)", "ap": "Frontal, detector behind (AP)"}[self.value]


@dataclass(frozen=True)
class SynthesisOptions:
    """Settings of the views, material maps and bone suppression from one radiograph."""

    projection: Projection = option(Projection.PA, "From where the patient was taken.")
    azimuth: float = option(
        0.0, "Turns the detector towards the patient's left.", low=-LARGEST_ANGLE, high=LARGEST_ANGLE, unit="°"
    )
    elevation: float = option(
        0.0, "Raises the detector towards the patient's head.", low=-LARGEST_ANGLE, high=LARGEST_ANGLE, unit="°"
    )
    sweep: str = option("", "Several views, as A0:A1:N: N azimuths from A0 to A1 degrees; empty means one view.")
    strength: float = option(
        1.0, "How much of the bone is taken away; 0 leaves the radiograph as it is.", low=0, high=1
    )
    field: float = option(
        0.0,
        "Width of what the radiograph shows, in the middle of the body; 0 means by its pixels, else 400 mm.",
        low=0,
        high=1000,
        unit="mm",
    )
    gamma: float = option(
        0.0, "Attenuation goes with the gray value to this power; 0 means what fits best.", low=0, high=4
    )
    crop: Crop = option(Crop.AUTO, "What is cut away around the picture.")
    invert: Invert = option(Invert.AUTO, "Whether black and white are exchanged.")
    tries: int = option(4, "Estimates whose differences tell how sure each pixel is.", low=1, high=6)
    weights: str = option("", "A safetensors file with weights of your own; empty means those of the model.")
    device: Device = option(Device.AUTO, "What computes: auto, cpu, cuda or mps.")

    def intake(self) -> IntakeOptions:
        return IntakeOptions(crop=self.crop, invert=self.invert)
