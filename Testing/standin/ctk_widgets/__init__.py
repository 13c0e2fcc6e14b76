"""Stand-ins for the CTK widgets in use in module panels: the properties, methods and signals of CTK's headers."""

from __future__ import annotations

import types


def install() -> types.ModuleType:
    """Return the module that `import ctk` finds in Slicer. Needs PythonQt's semantics installed first."""
    from . import containers, paths, plain, ranges, sliders

    ctk = types.ModuleType("ctk", __doc__)
    for module in (containers, paths, plain, ranges, sliders):
        vars(ctk).update({name: value for name, value in vars(module).items() if name.startswith("ctk")})
    return ctk
