"""Qt as Slicer's Python sees it (PythonQt), on PySide6.

PythonQt shows Qt differently from PySide6: properties are attributes, connect() takes signatures, enums are integers,
C++ objects take no new attributes. The files of this package give PySide6's classes these semantics, one each;
`install` applies them once and returns the flat module that `import qt` finds in Slicer.
"""

from __future__ import annotations

import functools
import types


@functools.cache
def install() -> types.ModuleType:
    """Patch PySide6 (for the rest of this process) and return the module `qt`."""
    from PySide6 import QtWidgets

    from . import attributes, connections, dialogs, enums, namespace, properties, warnings
    from .ui_loader import UiLoader

    warnings.install()
    classes = namespace.object_classes()
    application = QtWidgets.QApplication.instance() or QtWidgets.QApplication(["Slicer"])
    enums.install(namespace.classes())
    properties.install(classes)
    connections.install()
    attributes.install(classes)
    dialogs.install()

    qt = types.ModuleType("qt", __doc__)
    vars(qt).update(namespace.flat())
    vars(qt).update(QUiLoader=UiLoader, _application=application)
    return qt
