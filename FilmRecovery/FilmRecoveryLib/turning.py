"""How a film lies in a photo: turned, and perhaps seen from behind. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .options import FlattenOptions, Mirror, Turn
from .sheet import Sheet


@dataclass(frozen=True)
class Turning:
    """What makes a film upright that lies as the photo shows it: so many quarters clockwise, and then mirrored."""

    quarters: int = 0
    mirrored: bool = False

    @classmethod
    def of(cls, corners: np.ndarray) -> Turning:
        """The turning of a film whose corners (4, 2), around it from its own top left, lie there in the photo."""
        sides = corners - np.roll(corners, 1, axis=0)
        after = np.roll(sides, -1, axis=0)
        mirrored = bool(np.sum(sides[:, 0] * after[:, 1] - sides[:, 1] * after[:, 0]) < 0)
        around = corners[[1, 0, 3, 2]] if mirrored else corners
        upright = [_uprightness(np.roll(around, quarters, axis=0)) for quarters in range(4)]
        return cls(-int(np.argmax(upright)) % 4, mirrored)

    @property
    def degrees(self) -> int:
        return 90 * self.quarters

    def as_wanted(self, options: FlattenOptions) -> Turning:
        """The same but for what the options say of it."""
        turned = self if options.turn is Turn.AUTO else replace(self, quarters=int(options.turn.value) // 90)
        return turned if options.mirror is Mirror.AUTO else replace(turned, mirrored=options.mirror is Mirror.YES)

    def turned(self, values: np.ndarray) -> np.ndarray:
        """A picture (h, w, ...) that lies as the photo shows it, upright."""
        turned = np.rot90(values, -self.quarters)
        return np.ascontiguousarray(turned[:, ::-1] if self.mirrored else turned)

    def turned_sheet(self, sheet: Sheet) -> Sheet:
        """A sheet that lies as the photo shows it, upright."""
        turned = sheet.turned(self.quarters)
        return turned.mirrored() if self.mirrored else turned

    def undone(self, points: np.ndarray) -> np.ndarray:
        """The inverse of turned."""
        return np.rot90(points[:, ::-1] if self.mirrored else points, self.quarters)


def as_shown(points: np.ndarray) -> np.ndarray:
    """Points (R, C, 2) of a film, from whatever corner and whichever way around, in the order that the photo shows."""
    return Turning.of(points[[0, 0, -1, -1], [0, -1, -1, 0]]).undone(points)


def sheet_as_shown(sheet: Sheet) -> Sheet:
    """The same of a sheet."""
    turning = Turning.of(sheet.corners)
    return (sheet.mirrored() if turning.mirrored else sheet).turned(-turning.quarters)


def _uprightness(corners: np.ndarray) -> float:
    """How far the right corners lie to the right of the left ones, and the lower below the upper."""
    top_left, top_right, bottom_right, bottom_left = corners
    across = top_right + bottom_right - top_left - bottom_left
    down = bottom_left + bottom_right - top_left - top_right
    return float(across[0] + down[1])
