"""Where the X-ray source and the flat detector are: one view of a body, in millimetres in RAS."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from ..errors import InputError
from ..method import Choice


class Preset(Choice):
    """Named arrangements of source and detector."""

    CHEST_PA = "chest-pa"
    CHEST_AP = "chest-ap"
    CHEST_LATERAL = "chest-lateral"
    SKULL = "skull"
    XRAYSYN = "xraysyn"
    HENZLER = "henzler"

    def label(self) -> str:
        return {
            "chest-pa": "Chest PA",
            "chest-ap": "Chest AP (bedside)",
            "chest-lateral": "Chest lateral",
            "skull": "Skull PA",
            "xraysyn": "XraySyn (paper)",
            "henzler": "Henzler (paper, parallel)",
        }[self.value]


@dataclass(frozen=True)
class Arrangement:
    """A preset: distances and detector width in mm, pixels across, and how the detector stands to the patient.

    field: width of the square detector; 0 takes the longest side of the volume.
    azimuth: where the detector is, in degrees from in front of the patient towards the patient's left.
    mirrored: whether the picture is seen from the source instead of the detector, as an AP chest is.
    """

    sdd: float
    sid: float
    field: float
    pixels: int
    azimuth: float = 0.0
    mirrored: bool = False
    parallel: bool = False


ARRANGEMENTS = {
    Preset.CHEST_PA: Arrangement(1800.0, 1550.0, 430.0, 512),
    Preset.CHEST_AP: Arrangement(1000.0, 850.0, 430.0, 512, azimuth=180.0, mirrored=True),
    Preset.CHEST_LATERAL: Arrangement(1800.0, 1550.0, 430.0, 512, azimuth=90.0),
    Preset.SKULL: Arrangement(1150.0, 1000.0, 300.0, 512),
    # Peng et al., XraySyn: Realistic View Synthesis From a Single Radiograph Through CT Priors, AAAI 2021.
    Preset.XRAYSYN: Arrangement(1200.0, 1000.0, 128.0, 128),
    # Henzler et al., Single-image Tomography: 3D Volumes from 2D Cranial X-Rays, Eurographics 2018.
    Preset.HENZLER: Arrangement(2000.0, 1000.0, 0.0, 256, parallel=True),
}


@dataclass(frozen=True, eq=False)
class Geometry:
    """One view.

    width, height: detector size in pixels; pixel: side of a pixel in mm.
    sdd, sid: distance from the source to the detector and to the isocenter in mm.
    frame: 4 x 4, columns: unit vectors along the detector's rows, down its columns, and from the source to the
        detector, and the isocenter; in RAS, mm.
    parallel: rays run along the third column instead of leaving one point.
    """

    width: int
    height: int
    pixel: float
    sdd: float
    sid: float
    frame: np.ndarray = field(default_factory=lambda: np.eye(4))
    parallel: bool = False

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise InputError(f"The detector has {self.width} x {self.height} pixels; it needs at least 1 x 1.")
        if not (math.isfinite(self.pixel) and self.pixel > 0):
            raise InputError(f"The detector's pixels are {self.pixel:g} mm wide; they need a size above 0.")
        if not (math.isfinite(self.sdd) and 0 < self.sid <= self.sdd):
            raise InputError(
                f"The isocenter must lie between source and detector, but is {self.sid:g} mm from the source and the "
                f"detector {self.sdd:g} mm."
            )
        frame = np.array(self.frame, dtype=np.float64)
        rigid = frame.shape == (4, 4) and np.isfinite(frame).all() and np.allclose(frame[3], [0, 0, 0, 1])
        if not rigid or not np.allclose(frame[:3, :3].T @ frame[:3, :3], np.eye(3), atol=1e-6):
            raise InputError("The pose needs a 4 x 4 matrix with perpendicular axes of length 1.")
        object.__setattr__(self, "frame", frame)

    @property
    def source(self) -> np.ndarray:
        """The focal spot (3,) in RAS, mm; of parallel rays, a point on the central one."""
        return self.frame[:3, 3] - self.sid * self.frame[:3, 2]

    @property
    def pixel_to_ras(self) -> np.ndarray:
        """4 x 4, detector indices (column, row, 0, 1) to RAS: the IJK-to-RAS of the radiograph, right-handed."""
        u, v, beam, isocenter = self.frame[:3].T
        center = isocenter + (self.sdd - self.sid) * beam
        corner = center - self.pixel * ((self.width - 1) / 2 * u + (self.height - 1) / 2 * v)
        matrix = np.eye(4)
        matrix[:3] = np.column_stack([self.pixel * u, self.pixel * v, self.pixel * np.cross(u, v), corner])
        return matrix

    @property
    def matrix(self) -> np.ndarray:
        """4 x 4, columns: one pixel along a row, one down a column, the center of the first pixel, and the source as
        a point (x, y, z, 1) or, of parallel rays, as the direction they come from (x, y, z, 0). What projection needs.
        """
        matrix = self.pixel_to_ras[:, [0, 1, 3, 3]]
        matrix[:, 3] = np.append(-self.frame[:3, 2], 0.0) if self.parallel else np.append(self.source, 1.0)
        return matrix


def pose(
    azimuth: float = 0.0,
    elevation: float = 0.0,
    roll: float = 0.0,
    isocenter: np.ndarray | tuple[float, float, float] = (0.0, 0.0, 0.0),
    *,
    mirrored: bool = False,
) -> np.ndarray:
    """The frame of a Geometry for a detector that looks at an isocenter (RAS, mm). Angles in degrees.

    azimuth: 0 in front of the patient, positive towards the patient's left (DICOM's positioner primary angle).
    elevation: positive towards the head (DICOM's positioner secondary angle). roll: turns the picture clockwise.
    mirrored: rows run the other way, as if seen from the source.
    """
    a, e, r = np.deg2rad([azimuth, elevation, roll])
    beam = np.array([-math.sin(a) * math.cos(e), math.cos(a) * math.cos(e), math.sin(e)])
    right = np.array([-math.cos(a), -math.sin(a), 0.0])  # of the picture, seen from the detector
    down = np.array([-math.sin(a) * math.sin(e), math.cos(a) * math.sin(e), -math.cos(e)])
    if mirrored:
        right = -right
    frame = np.eye(4)
    frame[:3, 0] = math.cos(r) * right - math.sin(r) * down
    frame[:3, 1] = math.sin(r) * right + math.cos(r) * down
    frame[:3, 2] = beam
    frame[:3, 3] = isocenter
    return frame


def angles_of(frame: np.ndarray) -> tuple[float, float, float]:
    """Azimuth, elevation and roll in degrees: the inverse of pose, for mirrored frames and others."""
    right, beam = frame[:3, 0], frame[:3, 2]
    azimuth = math.degrees(math.atan2(-beam[0], beam[1])) if math.hypot(beam[0], beam[1]) > 1e-9 else 0.0
    elevation = math.degrees(math.asin(float(np.clip(beam[2], -1.0, 1.0))))
    mirrored = np.dot(np.cross(frame[:3, 0], frame[:3, 1]), beam) > 0
    level = pose(azimuth, elevation, mirrored=bool(mirrored))
    roll = math.degrees(math.atan2(-np.dot(right, level[:3, 1]), np.dot(right, level[:3, 0])))
    return azimuth, elevation, roll


def corners_of(shape: tuple[int, ...], ijk_to_ras: np.ndarray) -> np.ndarray:
    """The 8 outer corners (8, 3) in RAS of a volume of shape (K, J, I)."""
    k, j, i = shape[-3:]
    ends = np.array(np.meshgrid([-0.5, i - 0.5], [-0.5, j - 0.5], [-0.5, k - 0.5])).reshape(3, 8)
    return (ijk_to_ras[:3, :3] @ ends + ijk_to_ras[:3, 3:]).T


def preset_geometry(
    preset: Preset,
    shape: tuple[int, ...],
    ijk_to_ras: np.ndarray,
    *,
    azimuth: float = 0.0,
    elevation: float = 0.0,
    roll: float = 0.0,
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0),
    width: int = 0,
    height: int = 0,
    pixel: float = 0.0,
    sdd: float = 0.0,
    sid: float = 0.0,
    parallel: bool = False,
) -> Geometry:
    """A preset looking at the middle of a volume of shape (K, J, I), with what is given (not 0) instead of its own.

    azimuth, elevation, roll: degrees from the preset's own direction, see pose. offset: of the isocenter from the
    middle of the volume, RAS, mm. A detector of other pixels, or another count of them, keeps the preset's width in mm.
    """
    given = ARRANGEMENTS[preset]
    corners = corners_of(shape, ijk_to_ras)
    sides = np.linalg.norm(ijk_to_ras[:3, :3], axis=0) * np.array(shape[-3:])[::-1]
    across = given.field or float(sides.max())
    if not width:
        width = max(round(across / pixel), 1) if pixel else given.pixels
    height = height or width
    frame = pose(
        given.azimuth + azimuth, elevation, roll, corners.mean(axis=0) + np.array(offset), mirrored=given.mirrored
    )
    return Geometry(
        width=width,
        height=height,
        pixel=pixel or across / width,
        sdd=sdd or given.sdd,
        sid=sid or given.sid,
        frame=frame,
        parallel=parallel or given.parallel,
    )
