"""How CTs are taken and shown: windows, and what is written on a film about them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Level and width in HU
_HEAD = ((40, 80), (35, 100), (40, 120), (50, 350), (40, 400), (400, 2000), (600, 3000), (300, 1500))
_BODY = (
    (40, 400),
    (50, 350),
    (40, 350),
    (60, 400),
    (30, 300),
    (35, 350),
    (-600, 1500),
    (-500, 1200),
    (300, 1500),
    (450, 2000),
)
_NAMES = ("ANONYMOUS", "ANON", "UNKNOWN", "NN", "NO NAME", "REMOVED", "PATIENT", "PSEUDONYM")
_PLACES = ("GENERAL HOSPITAL", "City Hospital", "Univ. Hospital Radiology", "CT ROOM 2", "Medical Imaging Center")
_SCANNERS = (
    "Brilliance 64",
    "LightSpeed VCT",
    "SOMATOM Definition",
    "Aquilion ONE",
    "uCT 760",
    "Revolution CT",
    "CT99",
)


@dataclass(frozen=True)
class Protocol:
    """One examination as a film tells of it. level, width: HU; thickness, step: mm between slices; start: mm, of the
    first slice; pixel: mm of the tile's pixels."""

    level: float
    width: float
    thickness: float
    step: float
    start: float
    patient: str
    about: str
    place: str
    scanner: str
    date: str
    series: int
    voltage: int
    current: int
    tilt: float


def draw_protocol(rng: np.random.Generator, of_head: bool, step: float) -> Protocol:
    """An examination with a step of so many mm from slice to slice, downward where it is negative."""
    known = _HEAD if of_head else _BODY
    level, width = known[rng.integers(len(known))]
    if rng.random() < 0.3:  # as the reader turned it
        level, width = level + int(rng.integers(-20, 21)), max(round(width * rng.uniform(0.7, 1.4)), 40)
    thickness = abs(step) if rng.random() < 0.7 else abs(step) * float(rng.choice([0.5, 1.25, 2.0]))
    year, month, day = rng.integers(2005, 2026), rng.integers(1, 13), rng.integers(1, 29)
    date = str(rng.choice([f"{year}-{month:02}-{day:02}", f"{day:02}/{month:02}/{year}", f"{year}.{month}.{day}"]))
    return Protocol(
        level=float(level),
        width=float(width),
        thickness=round(thickness, 2),
        step=step,
        start=round(float(rng.uniform(-400, 400)), 1),
        patient=f"{rng.choice(_NAMES)} {rng.integers(1, 10**6)}",
        about=f"{rng.choice(['M', 'F'])} {rng.integers(1, 99):03}Y",
        place=str(rng.choice(_PLACES)),
        scanner=str(rng.choice(_SCANNERS)),
        date=date,
        series=int(rng.integers(1, 9)),
        voltage=int(rng.choice([80, 100, 120, 130, 140])),
        current=int(rng.integers(30, 450)),
        tilt=round(float(rng.choice([0.0, rng.uniform(-20, 20)])), 1),
    )
