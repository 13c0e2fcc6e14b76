"""A panel that shows how a run gets on and compares its result with the input."""

from __future__ import annotations

from typing import Any

import slicer

from .job import JobProgress
from .method import Result
from .nodes import Curve, Preview, compare_by_fading, compare_side_by_side
from .panel import MethodLogic, RunPanel


class MethodPanel(RunPanel):
    """The panel of a method whose result is compared with its input, and that shows how it gets there.

    Its .ui also holds finishButton, fadeSlider, sideBySideButton and curveButton.
    """

    def __init__(self, widget: Any, logic: MethodLogic, method: str, title: str) -> None:
        self._preview: Preview | None = None
        self._curve: Curve | None = None
        super().__init__(widget, logic, method, title)
        self.ui.finishButton.connect("clicked(bool)", self._runner.finishNow)
        self.ui.fadeSlider.connect("valueChanged(double)", self.onFade)
        self.ui.sideBySideButton.connect("clicked(bool)", self.onSideBySide)
        self.ui.curveButton.connect("clicked(bool)", self.onCurve)

    def _onSceneEndClose(self, caller: Any, event: Any) -> None:
        self._curve = None
        super()._onSceneEndClose(caller, event)

    def onJobProgress(self, progress: JobProgress) -> None:
        super().onJobProgress(progress)
        if progress.preview is not None and self._preview is not None:
            self._preview.show(progress.preview)
        if progress.curve and self._curve is not None:
            self._curve.add(progress.curve)

    def onJobResult(self, result: Result) -> None:
        assert self._preview is not None
        self._preview.remove()
        super().onJobResult(result)
        self.ui.fadeSlider.value = 1.0
        self.onFade()

    def _undo(self) -> None:
        if self._preview is not None:
            self._preview.remove()
        if self._curve is not None:
            self._curve.remove()

    def _showRunning(self) -> None:
        super()._showRunning()
        assert self._request is not None
        source = self._request.source
        self._preview, self._curve = Preview(source), Curve(f"{source.GetName()} {self._title} curve")
        self.ui.finishButton.visible = True

    def _showIdle(self, message: str = "") -> None:
        self.ui.finishButton.visible = False
        super()._showIdle(message)

    def _showResults(self) -> None:
        super()._showResults()
        self.ui.curveButton.enabled = self._curve is not None and self._curve.chart is not None

    def _source(self) -> Any:
        source = self._request.source if self._request is not None else None
        return source if source is not None and slicer.mrmlScene.IsNodePresent(source) else None

    def onFade(self) -> None:
        """Show the result over the input, as strong as the slider says."""
        if self.results():
            compare_by_fading(self._source(), self.results()[0], self.ui.fadeSlider.value)

    def onSideBySide(self) -> None:
        """Show input and result in two linked slice views."""
        if self.results() and self._source() is not None:
            compare_side_by_side(self._source(), self.results()[0])

    def onCurve(self) -> None:
        """Show the run's curve in a plot view."""
        if self._curve is not None and self._curve.chart is not None:
            slicer.modules.plots.logic().ShowChartInLayout(self._curve.chart)
