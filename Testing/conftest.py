"""Fixtures of all tests. Those in unit/ need neither Slicer nor Qt; panel/ and scene/ run in the Slicer stand-in.

With the environment variable SLICER_SOURCE naming a Slicer checkout, the stand-in uses Slicer's own Base/Python.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

TESTING = Path(__file__).resolve().parent
REPOSITORY = TESTING.parent
sys.path.insert(0, str(TESTING))

import standin  # noqa: E402

from InverseImagingLib.errors import InputError  # noqa: E402

IN_SLICER = (TESTING / "panel", TESTING / "scene")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pictures", metavar="FOLDER", help="where to write the pictures of panels (default: temporary)")


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> None:
    """Boot the stand-in before a test file that imports slicer or qt is imported."""
    if module_path.parent in IN_SLICER:
        # Triton, which torch loads at times, and what VTK draws with each bring an LLVM, and crash one another.
        sys.modules.setdefault("triton", None)  # type: ignore[arg-type]
        try:
            standin.boot()
        except ImportError as error:
            advice = "pip install -r requirements-dev.txt brings the packages of these tests"
            raise parent.CollectError(f"The Slicer stand-in cannot start: {error} ({advice})") from error


@pytest.fixture(autouse=True)
def _no_swallowed_errors() -> Iterator[None]:
    """Fail a test when an exception was printed by Qt or VTK; a test that expects one clears `standin.errors`."""
    standin.clear()
    yield
    errors = "\n".join(standin.errors)
    standin.clear()
    if errors:
        pytest.fail(f"Exceptions in slots or observers:\n{errors}", pytrace=False)


@pytest.fixture
def no_film_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets CT Film Recovery have no weights, so that what is seen does not depend on what a network learned."""

    def fail(method: str, name: str) -> None:
        raise InputError("There are no weights.")

    monkeypatch.setattr("FilmRecoveryLib.weights.find_weights", fail)


@pytest.fixture(scope="session")
def slicer_app():
    """The package `slicer`, with the application booted."""
    return standin.boot()


@pytest.fixture
def scene(slicer_app):
    """The scene, without what an earlier test left in it."""
    _clear_scene(slicer_app)
    yield slicer_app.mrmlScene
    _clear_scene(slicer_app)


@pytest.fixture
def open_panel(scene) -> Iterator[Callable]:
    """open_panel("CTRestoration") loads the module of that name, or at that path, and returns its widget as shown."""
    from standin import modules

    with contextlib.ExitStack() as opened:

        def open_module(module: str | Path):
            path = Path(module) if Path(module).suffix == ".py" else REPOSITORY / module / f"{module}.py"
            if modules.is_loaded(path.stem):
                return modules.show(path.stem)
            return opened.enter_context(modules.shown(path))

        yield open_module


@pytest.fixture
def wait_until(slicer_app) -> Callable:
    """wait_until(condition, seconds) lets Qt run until the condition is true, and fails when it does not come true."""
    from standin import views

    return views.wait_until


@pytest.fixture
def picture(slicer_app, request: pytest.FixtureRequest, tmp_path: Path) -> Callable:
    """picture(widget, name) writes a PNG of a panel, with the slice view beside it if view="Red"; returns its path."""
    from standin import views

    folder = Path(request.config.getoption("--pictures") or tmp_path)

    def write(widget, name: str, width: int = 480, height: int = 0, view: str = "") -> Path:
        image = views.panel_image(widget, width, height)
        if view:
            image = views.side_by_side(image, views.slice_image(view, image.height()))
        return views.save(image, folder / f"{name}.png")

    return write


@pytest.fixture
def messages() -> list[standin.Message]:
    """What the user was shown in dialogs and in the status bar, in this test."""
    return standin.messages


@pytest.fixture
def answers() -> list[bool]:
    """Answers for the next dialogs: True accepts, False declines; dialogs without an answer are accepted."""
    return standin.answers


def _clear_scene(slicer) -> None:
    scene = slicer.mrmlScene
    scene.Clear(False)
    for node in slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode"):
        scene.RemoveNode(node)
    layout_manager = slicer.app.layoutManager()
    layout_manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    for name, orientation in (("Red", "Axial"), ("Yellow", "Sagittal"), ("Green", "Coronal")):
        view = layout_manager.sliceWidget(name).mrmlSliceNode()
        view.SetOrientation(orientation)
        view.JumpSlice(0, 0, 0)
        view.SetXYZOrigin(0, 0, 0)
        view.SetSliceVisible(False)
    slicer.app.processEvents()
