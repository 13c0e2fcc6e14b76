"""A mesh as a binary glTF file, which browsers, phones and presentations show. Needs no torch.

Source: Khronos, glTF 2.0 specification. VTK's own writer takes colors for linear, which makes them pale.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import vtk
from vtk.util.numpy_support import vtk_to_numpy

_FROM_RAS = np.array([[-1.0, 0, 0], [0, 0, 1], [0, 1, 0]])  # to the left, up, forwards
_METERS = 0.001
_UINT16, _UINT32, _FLOAT32 = 5123, 5125, 5126
_VERTICES, _INDICES = 34962, 34963
_ROUGHNESS = 0.8


def write_glb(mesh: vtk.vtkPolyData, path: Path, words: str = "") -> None:
    """Write a mesh of triangles, in mm in RAS, in meters, its head up and its front to the viewer.

    Normals of points, and colors of uint8 (sRGB) that are its scalars, go with it. words: the copyright line, which
    viewers show.
    """
    data = mesh.GetPointData()
    points = vtk_to_numpy(mesh.GetPoints().GetData()) @ (_FROM_RAS.T * _METERS)
    attributes = {"POSITION": (points.astype(np.float32), "VEC3", _FLOAT32)}
    if data.GetNormals() is not None:
        normals = vtk_to_numpy(data.GetNormals()) @ _FROM_RAS.T
        attributes["NORMAL"] = (normals.astype(np.float32), "VEC3", _FLOAT32)
    if data.GetScalars() is not None:
        attributes["COLOR_0"] = (_linear(vtk_to_numpy(data.GetScalars())), "VEC4", _UINT16)
    triangles = vtk_to_numpy(mesh.GetPolys().GetConnectivityArray()).astype(np.uint32)

    views: list[dict[str, int]] = []
    accessors: list[dict[str, Any]] = []
    binary = b""
    for array, kind, component, target in (
        *((*each, _VERTICES) for each in attributes.values()),
        (triangles, "SCALAR", _UINT32, _INDICES),
    ):
        accessor = {"bufferView": len(views), "componentType": component, "type": kind}
        accessor |= {"count": len(array), "normalized": component == _UINT16}
        if not accessors:  # which the specification wants of positions
            accessor |= {"min": array.min(axis=0).tolist(), "max": array.max(axis=0).tolist()}
        accessors.append(accessor)
        views.append({"buffer": 0, "byteOffset": len(binary), "byteLength": array.nbytes, "target": target})
        binary += array.tobytes()
    primitive = {"attributes": {name: n for n, name in enumerate(attributes)}, "indices": len(attributes)}
    surface = {"metallicFactor": 0, "roughnessFactor": _ROUGHNESS}
    document = {
        "asset": {"version": "2.0", "generator": "SlicerInverseImaging"} | ({"copyright": words} if words else {}),
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": path.stem}],
        "meshes": [{"primitives": [primitive | {"material": 0}]}],
        "materials": [{"pbrMetallicRoughness": surface, "doubleSided": True}],
        "buffers": [{"byteLength": len(binary)}],
        "bufferViews": views,
        "accessors": accessors,
    }
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    with path.open("wb") as file:
        file.write(struct.pack("<4sII", b"glTF", 2, 12 + 8 + len(text) + 8 + len(binary)))
        file.write(struct.pack("<I4s", len(text), b"JSON") + text)
        file.write(struct.pack("<I4s", len(binary), b"BIN\0"))
        file.write(binary)


def _linear(colors: np.ndarray) -> np.ndarray:
    """Colors (N, 3) of uint8 in sRGB as (N, 4) of uint16 in linear light, opaque."""
    shares = np.arange(256) / 255
    table = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    opaque = np.full((len(colors), 1), 65535, np.uint16)
    return np.hstack([(table * 65535).round().astype(np.uint16)[colors], opaque])
