"""What can be set of the synthesis from a radiograph. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass

from InverseImagingLib.device import Device
from InverseImagingLib.errors import InputError
from InverseImagingLib.method import Choice, option
from InverseImagingLib.xray.intake import Crop, IntakeOptions, Invert

LARGEST_ANGLE = 18.0  # degrees that a view may be turned by
MOST_VIEWS = 200


class Projection(Choice):
    """How the patient stood."""

    AUTO = "auto"
    PA = "pa"
    AP = "ap"

    def label(self) -> str:
        return {
            "auto": "Frontal, as the header says, else PA",
            "pa": "Frontal, detector in front (PA)",
            "ap": "Frontal, detector behind (AP)",
        }[self.value]

    def settled(self, told: str) -> Projection:
        """PA or AP; told: the ViewPosition of the header, which decides where nothing is chosen."""
        if self is not Projection.AUTO:
            return self
        return Projection.AP if told.upper() == "AP" else Projection.PA


class Picture(Choice):
    """What is made of a radiograph, beside the volumes."""

    VIEW = "view"
    BONE_MAP = "bone map"
    TISSUE_MAP = "tissue map"
    SUPPRESSED = "suppressed"
    UNCERTAINTY = "uncertainty"
    RESIDUAL = "residual"

    def label(self) -> str:
        return {"view": "View from this angle", "suppressed": "Radiograph without bone"}.get(
            self.value, self.value.capitalize()
        )


@dataclass(frozen=True)
class SynthesisOptions:
    """Settings of the views, material maps and bone suppression from one radiograph."""

    projection: Projection = option(Projection.AUTO, "From where it was taken; auto: as the header says, else PA.")
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
    crop_top: float = option(0.0, "Cut away above, if the crop is manual.", low=0, high=95, unit="%")
    crop_bottom: float = option(0.0, "Cut away below, if the crop is manual.", low=0, high=95, unit="%")
    crop_left: float = option(0.0, "Cut away on the left, if the crop is manual.", low=0, high=95, unit="%")
    crop_right: float = option(0.0, "Cut away on the right, if the crop is manual.", low=0, high=95, unit="%")
    invert: Invert = option(Invert.AUTO, "Whether black and white are exchanged.")
    tries: int = option(4, "Estimates whose differences tell how sure each pixel is.", low=1, high=6)
    weights: str = option("", "A safetensors file with weights of your own; empty means those of the model.")
    device: Device = option(Device.AUTO, "What computes: auto, cpu, cuda or mps.")
    only: str = option("", "One picture alone, by name; empty means all, and the volumes.")
    draft: bool = option(False, "Make pictures small, to be quick.")

    def intake(self) -> IntakeOptions:
        """How the radiograph is made ready."""
        names = ("crop", "crop_top", "crop_bottom", "crop_left", "crop_right", "invert")
        return IntakeOptions(**{name: getattr(self, name) for name in names})

    def pictures(self) -> set[Picture]:
        """What to make. Raises InputError for an unknown name."""
        if self.only not in ("", *Picture):
            raise InputError(
                f"There is no picture '{self.only}'; known are {', '.join(each.value for each in Picture)}."
            )
        return {Picture(self.only)} if self.only else set(Picture)
