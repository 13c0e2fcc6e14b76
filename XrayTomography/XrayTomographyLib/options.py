"""What can be set of the tomography of a radiograph. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass, fields

from InverseImagingLib.device import Device
from InverseImagingLib.errors import InputError
from InverseImagingLib.method import Choice, option

from .intake import OpacityOptions
from .transfer import Colors

USUAL_SIZE, LARGEST_SIZE = 512, 8192  # pixels along the longer side
ANIMATED_SIZE = 256  # the same, of animations


class Facing(Choice):
    """The side of the patient that faces the viewer of the radiograph."""

    AUTO = "auto"
    FRONT = "front"
    LEFT = "left"
    BACK = "back"
    RIGHT = "right"

    def label(self) -> str:
        return {"auto": "As the header says, else the face"}.get(self.value, self.value.capitalize())

    def settled(self, told: str) -> Facing:
        """A side; told: the ViewPosition of the header, which decides where nothing is chosen."""
        if self is not Facing.AUTO:
            return self
        return {"LL": Facing.LEFT, "RL": Facing.RIGHT}.get(told.upper(), Facing.FRONT)

    @property
    def azimuth(self) -> float:
        """Of the viewer, in degrees from in front of the patient towards the patient's left."""
        return {"left": 90.0, "back": 180.0, "right": -90.0}.get(self.value, 0.0)


class Product(Choice):
    """What is made of a radiograph. The first four are made unless one is asked for."""

    VOLUME = "volume"
    UNCERTAINTY = "uncertainty"
    RESIDUAL = "residual"
    OPACITY = "opacity"
    VIEW = "view"
    ANAGLYPH = "anaglyph"
    SIDE_BY_SIDE = "side by side"
    GUESSED = "guessed"
    WIGGLE = "wiggle"
    TURNTABLE = "turntable"

    def label(self) -> str:
        return {
            "view": "View from this angle",
            "anaglyph": "Red-cyan anaglyph",
            "guessed": "View, what is guessed in red",
        }.get(self.value, self.value.capitalize())


class Picture(Choice):
    """The products that are one picture, of which a panel shows one."""

    VIEW = Product.VIEW.value
    ANAGLYPH = Product.ANAGLYPH.value
    SIDE_BY_SIDE = Product.SIDE_BY_SIDE.value
    GUESSED = Product.GUESSED.value
    OPACITY = Product.OPACITY.value
    RESIDUAL = Product.RESIDUAL.value

    def label(self) -> str:
        return Product(self.value).label()


USUAL = (Product.VOLUME, Product.UNCERTAINTY, Product.RESIDUAL, Product.OPACITY)
ANIMATIONS = (Product.WIGGLE, Product.TURNTABLE)


@dataclass(frozen=True)
class TomographyOptions(OpacityOptions):
    """Settings of the volume from one radiograph, and of how the radiograph is made ready."""

    size: int = option(
        0,
        f"Pixels along the longer side of the volume; 0 means those of the radiograph, at most {USUAL_SIZE}.",
        low=0,
        high=LARGEST_SIZE,
    )
    beta: float = option(2.0, "Above 1 the dense parts are set right before the others.", low=1, high=4)
    field: float = option(
        0.0,
        "Longer side of what the radiograph shows, in the middle of the body; 0 means by its pixels, else 240 mm.",
        low=0,
        high=1000,
        unit="mm",
    )
    facing: Facing = option(Facing.AUTO, "Which side of the patient the radiograph is seen from.")
    azimuth: float = option(0.0, "Turns the view towards the patient's left.", low=-180, high=180, unit="°")
    elevation: float = option(0.0, "Raises the view towards the patient's head.", low=-90, high=90, unit="°")
    parallax: float = option(4.0, "Between the two eyes.", low=0.5, high=20, unit="°")
    colors: Colors = option(Colors.BONE, "Colors of the densities in 3D.")
    level: float = option(0.1, "Density of the surface that becomes a mesh.", low=0.001, high=10)
    weights: str = option("", "A safetensors file with weights of your own; empty means those of the model.")
    device: Device = option(Device.AUTO, "What computes: auto, cpu, cuda or mps.")
    only: str = option("", "One product alone, by name; empty means the volume and what tells how good it is.")
    draft: bool = option(False, "Make everything small, to be quick.")

    def intake(self) -> OpacityOptions:
        """How the radiograph is made ready."""
        return OpacityOptions(**{item.name: getattr(self, item.name) for item in fields(OpacityOptions)})

    def products(self) -> tuple[Product, ...]:
        """What to make. Raises InputError for an unknown name."""
        if self.only not in ("", *Product):
            raise InputError(
                f"There is no product '{self.only}'; known are {', '.join(each.value for each in Product)}."
            )
        return (Product(self.only),) if self.only else USUAL
