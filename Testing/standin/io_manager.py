"""`slicer.app.coreIOManager()`: reading and writing through the genuine module logics and storage nodes."""

from __future__ import annotations

from pathlib import Path

EXTENSIONS = {
    "VolumeFile": (
        [
            ".nrrd",
            ".nhdr",
            ".mha",
            ".mhd",
            ".nii",
            ".nii.gz",
            ".hdr",
            ".img",
            ".dcm",
            ".png",
            ".jpg",
            ".jpeg",
            ".bmp",
            ".tif",
            ".tiff",
            ".mgz",
        ]
    ),
    "SegmentationFile": [".seg.nrrd", ".seg.nhdr"],
    "ModelFile": [".vtk", ".vtp", ".stl", ".ply", ".obj"],
    "TransformFile": [".h5", ".tfm", ".mat"],
    "MarkupsFile": [".mrk.json", ".fcsv"],
    "TableFile": [".csv", ".tsv"],
    "TextFile": [".txt", ".json", ".xml"],
    "SceneFile": [".mrml", ".mrb"],
}
FILE_TYPES = {
    "vtkMRMLSegmentationNode": "SegmentationFile",
    "vtkMRMLVolumeNode": "VolumeFile",
    "vtkMRMLModelNode": "ModelFile",
    "vtkMRMLTransformNode": "TransformFile",
    "vtkMRMLMarkupsNode": "MarkupsFile",
    "vtkMRMLTableNode": "TableFile",
    "vtkMRMLTextNode": "TextFile",
}


class IOManager:
    """What slicer.util's load and save functions call."""

    def __init__(self, slicer) -> None:
        self._slicer = slicer

    def fileType(self, path):
        extension = self.extractKnownExtension(path)
        return next((kind for kind, known in EXTENSIONS.items() if extension in known), "NoFile")

    def fileWriterFileType(self, node, extension=""):
        return next((kind for name, kind in FILE_TYPES.items() if node.IsA(name)), "NoFile")

    def fileWriterExtensions(self, node):
        extensions = EXTENSIONS.get(self.fileWriterFileType(node), ())
        return tuple(f"{extension[1:].upper()} ({extension})" for extension in extensions)

    def extractKnownExtension(self, path, node=None):
        known = [extension for extensions in EXTENSIONS.values() for extension in extensions]
        return max((each for each in known if str(path).lower().endswith(each)), key=len, default="")

    def loadNodes(self, file_type, properties, collection=None, messages=None):
        """Load the file `properties["fileName"]` and append its nodes to the vtkCollection; False on failure."""
        path = str(properties["fileName"])
        if file_type == "SceneFile":
            return self._load_scene(path, bool(properties.get("clear", False)))
        extension = self.extractKnownExtension(path)
        name = properties.get("name") or Path(path).name.removesuffix(extension)
        reader = getattr(self, f"_load_{file_type}", None)
        node = reader(path, name, properties) if reader else None
        if node is not None and collection is not None:
            collection.AddItem(node)
        return node is not None

    def _load_scene(self, path, clear):
        scene = self._slicer.mrmlScene
        if path.endswith(".mrb"):
            return bool(scene.ReadFromMRB(path, clear))
        scene.SetURL(path)
        return bool(scene.Connect() if clear else scene.Import())

    def _logic(self, module):
        return getattr(self._slicer.modules, module).logic()

    def _load_VolumeFile(self, path, name, properties):
        options = ((1, "labelmap"), (2, "center"), (4, "singleFile"))
        flags = sum(flag for flag, key in options if properties.get(key))
        node = self._logic("volumes").AddArchetypeVolume(path, name, flags)
        if node and properties.get("show", True):
            application_logic = self._slicer.app.applicationLogic()
            selection = application_logic.GetSelectionNode()
            is_labelmap = node.IsA("vtkMRMLLabelMapVolumeNode")
            (selection.SetActiveLabelVolumeID if is_labelmap else selection.SetActiveVolumeID)(node.GetID())
            application_logic.PropagateVolumeSelection()
        return node

    def _load_SegmentationFile(self, path, name, properties):
        return self._logic("segmentations").LoadSegmentationFromFile(path, properties.get("autoOpacities", True), name)

    def _load_ModelFile(self, path, name, properties):
        return self._logic("models").AddModel(path)

    def _load_TransformFile(self, path, name, properties):
        return self._logic("transforms").AddTransform(path, self._slicer.mrmlScene)

    def _load_MarkupsFile(self, path, name, properties):
        return self._slicer.mrmlScene.GetNodeByID(self._logic("markups").LoadMarkups(path, name) or "")

    def _load_TableFile(self, path, name, properties):
        return self._logic("tables").AddTable(path, name)

    def _load_TextFile(self, path, name, properties):
        node = self._slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode", name)
        node.SetText(Path(path).read_text())
        return node

    def saveNodes(self, file_type, properties, messages=None):
        """Write the node `properties["nodeID"]`, or the scene, to `properties["fileName"]`; False on failure."""
        path = str(properties["fileName"])
        if file_type == "SceneFile":
            return self._save_scene(path)
        node = self._slicer.mrmlScene.GetNodeByID(properties["nodeID"])
        if not node.GetStorageNode():
            node.AddDefaultStorageNode()
        storage = node.GetStorageNode()
        storage.SetFileName(path)
        storage.SetUseCompression(int(properties.get("useCompression", True)))
        return bool(storage.WriteData(node))

    def _save_scene(self, path):
        scene = self._slicer.mrmlScene
        if path.endswith(".mrb"):
            return bool(scene.WriteToMRB(path))
        if path.endswith(".mrml"):
            scene.SetURL(path)
            scene.SetRootDirectory(str(Path(path).parent))
            return bool(scene.Commit())
        return bool(scene.SaveSceneToSlicerDataBundleDirectory(path))

    def exportNodes(self, node_ids, paths, common, harden_transforms=False, messages=None):
        """Write copies of the nodes, which keep their own storage nodes; False on failure."""
        scene = self._slicer.mrmlScene
        written = True
        for node_id, path in zip(node_ids, paths, strict=True):
            node = scene.GetNodeByID(node_id)
            copy = scene.AddNewNodeByClass(node.GetClassName())
            copy.Copy(node)
            if harden_transforms and node.GetParentTransformNode():
                copy.HardenTransform()
            written &= self.saveNodes("", dict(common, nodeID=copy.GetID(), fileName=path))
            scene.RemoveNode(copy.GetStorageNode())
            scene.RemoveNode(copy)
        return written
