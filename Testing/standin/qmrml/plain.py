"""qMRML classes that add little more than a scene to a CTK class."""

# ruff: noqa: N801 (names of Slicer, Qt and CTK)

from __future__ import annotations

from PySide6 import QtWidgets

from ..ctk_widgets.containers import ctkCollapsibleButton
from ..ctk_widgets.ranges import ctkRangeWidget
from ..ctk_widgets.sliders import ctkDoubleSpinBox, ctkSliderWidget
from ..pythonqt.native import native


class _HasScene:
    """setMRMLScene and mrmlScene."""

    def setMRMLScene(self, scene):
        self._scene = scene

    def mrmlScene(self):
        return vars(self).get("_scene")


@native
class qMRMLCollapsibleButton(ctkCollapsibleButton, _HasScene):
    """A collapsible button."""


@native
class qMRMLSliderWidget(ctkSliderWidget, _HasScene):
    """A slider whose unit follows the scene."""


@native
class qMRMLSpinBox(ctkDoubleSpinBox, _HasScene):
    """A spin box whose unit follows the scene."""


@native
class qMRMLRangeWidget(ctkRangeWidget, _HasScene):
    """An interval whose unit follows the scene."""


@native
class qMRMLSegmentationShow3DButton(QtWidgets.QPushButton, _HasScene):
    """Shows the segments in 3D; here it only keeps the node."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.setText("Show 3D")
        self._segmentation_node = None

    def segmentationNode(self):
        return self._segmentation_node

    def setSegmentationNode(self, node):
        self._segmentation_node = node
