"""The modules' own tests, as Slicer runs them, on the stand-in."""

from __future__ import annotations

import importlib.util
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
MODULES = ("InverseImaging", "CTRestoration", "XraySyn", "XrayTomography", "CT2RGB", "FilmRecovery")


@pytest.mark.parametrize("name", MODULES)
def test_reload_and_test(scene: Any, open_panel: Callable, name: str) -> None:
    from standin import modules

    for module in MODULES:  # the home panel looks for all of them
        open_panel(module)
    modules.run_test(name)


@pytest.mark.parametrize("path", sorted(REPOSITORY.glob("*/Testing/Python/*.py")), ids=lambda path: path.stem)
def test_test_of_ctest(scene: Any, open_panel: Callable, path: Path) -> None:
    open_panel(path.parents[2].name)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromModule(module).run(result)
    assert result.testsRun > 0
    assert not result.errors + result.failures, "\n".join(text for _, text in result.errors + result.failures)
