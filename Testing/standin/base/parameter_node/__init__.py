"""slicer.parameterNodeWrapper: typed attributes kept in a vtkMRMLScriptedModuleNode, and bound to widgets.

Types: bool, int, float, str, pathlib.Path, Enum, MRML nodes, lists and tuples of these, and unions (with None). Keys
and texts in the node are Slicer's, so that scenes are interchangeable. Slicer's parameterPack, dict, QColor and
typing.Any are not there.
"""

from .annotations import (
    Choice,
    Decimals,
    Default,
    Exclude,
    IsInstance,
    Maximum,
    Minimum,
    NotNone,
    SingleStep,
    Validator,
    WithinRange,
)
from .wrapper import (
    SlicerParameterNamePropertyName,
    findChildWidgetForParameter,
    isParameterNodeWrapper,
    parameterNodeWrapper,
)

__all__ = [
    "Choice",
    "Decimals",
    "Default",
    "Exclude",
    "IsInstance",
    "Maximum",
    "Minimum",
    "NotNone",
    "SingleStep",
    "SlicerParameterNamePropertyName",
    "Validator",
    "WithinRange",
    "findChildWidgetForParameter",
    "isParameterNodeWrapper",
    "parameterNodeWrapper",
]
