"""Stand-ins for the files of Slicer's Base/Python/slicer that slicer-core lacks: own code with the same behavior."""

from __future__ import annotations

import sys
import types

MODULES = {
    "i18n": "i18n",
    "packaging": "packages",
    "ScriptedLoadableModule": "scripted_loadable_module",
    "parameterNodeWrapper": "parameter_node",
}


def install(slicer) -> None:
    """Let `import slicer.parameterNodeWrapper` and so on find the stand-ins."""
    for name in ("modules", "moduleNames"):
        _add(slicer, name, types.ModuleType(f"slicer.{name}"))
    for name, file in MODULES.items():
        _add(slicer, name, __import__(f"{__name__}.{file}", fromlist=["*"]))


def _add(slicer, name: str, module: types.ModuleType) -> None:
    sys.modules[f"slicer.{name}"] = module
    setattr(slicer, name, module)
