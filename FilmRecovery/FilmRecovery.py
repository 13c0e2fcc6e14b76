import dataclasses
import functools
from pathlib import Path

import slicer
from slicer import vtkMRMLScalarVolumeNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)


class FilmRecovery(ScriptedLoadableModule):
    """The module CT Film Recovery, as Slicer lists it."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("CT Film Recovery")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Inverse Imaging")]
        self.parent.dependencies = ["InverseImaging"]
        self.parent.contributors = ["SlicerInverseImaging contributors"]
        self.parent.helpText = _(
            "Turn a photo of a CT film into the flat film, and the film into slices in HU, "
            "with what the film cannot tell marked. "
            'See the <a href="https://github.com/SlicerInverseImaging/SlicerInverseImaging">tutorial</a>. '
            "For research only, not for clinical use."
        )
        self.parent.acknowledgementText = _("After Q. Quan et al., Recovering medical images from CT film photos.")
        slicer.app.connect("startupCompleted()", registerSampleData)


def registerSampleData():
    """Add the sample photo of this module to the Sample Data module."""
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataCategory("CT Film Recovery", title=_("CT Film Recovery"))
    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="CT Film Recovery",
        sampleName="CT Film Recovery film photo",
        uris=(Path(__file__).parent / "Resources" / "SampleData" / "FilmPhoto.jpg").as_uri(),
        fileNames="FilmPhoto.jpg",
        checksums="SHA256:2ef983090433f71495c84ec104946949d30d5ef7557f48e0edada30590e0a9a3",
        nodeNames="FilmPhoto",
    )


class FilmRecoveryWidget(ScriptedLoadableModuleWidget):
    """The panel. What it shares with other panels is in InverseImagingLib."""

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        from FilmRecoveryLib.section import FilmSection

        self.section = FilmSection(self, FilmRecoveryLogic())
        self.layout.addWidget(self.section.root)

    def enter(self):
        self.section.enter()

    def exit(self):
        self.section.exit()

    def cleanup(self):
        self.section.cleanup()


class FilmRecoveryLogic(ScriptedLoadableModuleLogic):
    """Between photos, flat films and slices; usable from the Python console without the panel."""

    FILM, SLICES, RADIOMICS = "FilmRecovery", "FilmSlices", "FilmRadiomics"  # its methods

    def __init__(self):
        super().__init__()
        from InverseImagingLib.nodes import KeptImages

        self._images = KeptImages()

    def getParameterNode(self):
        return self.parameterNodeClass()(super().getParameterNode())

    @classmethod
    @functools.cache
    def parameterNodeClass(cls):
        """The parameters: all fields of the options of its methods, and the panel's own choices."""
        from typing import Annotated

        from slicer.parameterNodeWrapper import WithinRange

        from FilmRecoveryLib.grids import Handles
        from FilmRecoveryLib.nodes import Shown
        from FilmRecoveryLib.options import ExtractOptions, FlattenOptions, RadiomicsOptions
        from InverseImagingLib.panel import parameterNodeClass

        share = Annotated[float, WithinRange(0, 1)]
        tiles = Annotated[int, WithinRange(0, 20)]
        return parameterNodeClass(
            "FilmRecoveryParameterNode",
            FlattenOptions,
            ExtractOptions,
            RadiomicsOptions,
            inputVolume=vtkMRMLScalarVolumeNode,
            film=vtkMRMLScalarVolumeNode,
            addTo=vtkMRMLScalarVolumeNode,
            handles=(Handles, Handles.CORNERS),
            rows=(tiles, 0),
            columns=(tiles, 0),
            shown=(Shown, Shown.FILM),
            doubt=(share, 0.5),
            showLost=(bool, False),
        )

    # What can be run

    def problem(self, parameters):
        """Why nothing can be done with these parameters, in a sentence; empty when it can."""
        if parameters.inputVolume is None and parameters.film is not None:
            return self.slicesProblem(parameters)
        return self.filmProblem(parameters) or self._slicesProblem(parameters, parameters.inputVolume)

    def filmProblem(self, parameters):
        """Why no film can be flattened, in a sentence; empty when it can."""
        photo = parameters.inputVolume
        if photo is None:
            return _("Select a photo of a film, or load one.")
        return self._pictureProblem(photo, _("select a photo of a film"))

    def slicesProblem(self, parameters):
        """Why no slices can be extracted, in a sentence; empty when they can."""
        if parameters.film is None:
            return _("Flatten a photo first, or select a flat film.")
        problem = self._pictureProblem(parameters.film, _("select a flat film"))
        return problem or self._slicesProblem(parameters, parameters.film)

    @staticmethod
    def _pictureProblem(node, advice):
        name = node.GetName()
        if node.GetImageData() is None:
            return _("'{name}' is empty; load an image into it.").format(name=name)
        if node.IsA("vtkMRMLLabelMapVolumeNode"):
            return _("'{name}' is a label map; {advice}.").format(name=name, advice=advice)
        slices = node.GetImageData().GetDimensions()[2]
        if slices > 1:
            text = _("'{name}' is a volume of {slices} slices; {advice}.")
            return text.format(name=name, slices=slices, advice=advice)
        return ""

    @staticmethod
    def _slicesProblem(parameters, picture):
        """Why no slices can be made of a photo or film, as far as its pixels do not matter."""
        from FilmRecoveryLib.nodes import holds
        from FilmRecoveryLib.options import ExtractOptions
        from InverseImagingLib.errors import InputError

        if bool(parameters.rows) != bool(parameters.columns):
            return _("Give both the rows and the columns of the tiles, or neither.")
        try:
            ExtractOptions(skip=parameters.skip).skipped()
        except InputError as error:
            return str(error)
        if holds(parameters.addTo, picture):
            text = _("'{name}' holds slices of this film already; add to those of another film, or to none.")
            return text.format(name=parameters.addTo.GetName())
        return ""

    @staticmethod
    def skipped(parameters):
        """The numbers of the tiles that are left out; none where the user's words are no numbers."""
        from FilmRecoveryLib.options import ExtractOptions
        from InverseImagingLib.errors import InputError

        try:
            return ExtractOptions(skip=parameters.skip).skipped()
        except InputError:
            return frozenset()

    def request(self, parameters):
        """What to run for all that is not up to date: the film and then its slices, or these alone. Raises
        InputError."""
        if parameters.inputVolume is None or self.filmIsCurrent(parameters):
            return self.slicesRequest(parameters)
        return dataclasses.replace(self.filmRequest(parameters), then=self.slicesRequest)

    def filmRequest(self, parameters):
        """What to run for the flat film of the photo. Raises InputError."""
        from FilmRecoveryLib.nodes import given_outline
        from InverseImagingLib.panel import Request

        photo = parameters.inputVolume
        images = {"image": self._images.of_node("photo", photo), "points": given_outline(photo)}
        return Request(self._filmOptions(parameters), self._given(images), photo, self.FILM)

    def slicesRequest(self, parameters):
        """What to run for the slices of the film. Raises InputError."""
        from FilmRecoveryLib.nodes import CONFIDENCE, film_image, newest
        from FilmRecoveryLib.options import ExtractOptions
        from InverseImagingLib.nodes import state_of
        from InverseImagingLib.panel import Request, optionsFrom

        film = parameters.film
        layout, tiles = self._tiles(parameters)
        confidence = newest(film, CONFIDENCE)
        images = {
            "image": self._images.get("film", state_of(film), lambda: film_image(film)),
            "confidence": self._images.of_node("confidence", confidence) if confidence is not None else None,
            "tiles": tiles,
        }
        options = optionsFrom(parameters, ExtractOptions, layout=layout)
        return Request(options, self._given(images), film, self.SLICES)

    def radiomicsProblem(self, parameters):
        """Why no slices can be measured, in a sentence; empty when they can."""
        from FilmRecoveryLib.nodes import SLICES, newest
        from FilmRecoveryLib.radiomics import package
        from InverseImagingLib.compute import Where
        from InverseImagingLib.settings import computePlace

        if newest(parameters.film, SLICES) is None:
            return _("Extract the slices first.")
        if computePlace().where is Where.SLICER and not package():
            return _("Radiomics need the extension SlicerRadiomics; install it by the Extensions Manager.")
        return ""

    def radiomicsRequest(self, parameters):
        """What to run for the features of the last slices of the film. Raises InputError."""
        from FilmRecoveryLib.nodes import SLICES, newest, slices_image, valid_image
        from FilmRecoveryLib.options import RadiomicsOptions
        from InverseImagingLib.panel import Request, optionsFrom

        volume = newest(parameters.film, SLICES)
        images = {"image": slices_image(volume), "valid": valid_image(volume)}
        return Request(optionsFrom(parameters, RadiomicsOptions), images, volume, self.RADIOMICS)

    @staticmethod
    def _given(images):
        return {name: image for name, image in images.items() if image is not None}

    @staticmethod
    def _filmOptions(parameters):
        from FilmRecoveryLib.options import FlattenOptions
        from InverseImagingLib.panel import optionsFrom

        return optionsFrom(parameters, FlattenOptions, corners="")

    def layout(self, parameters):
        """Rows and columns of the tiles: those that are chosen, else those that were found; None where neither is."""
        from FilmRecoveryLib.nodes import layout_of

        if parameters.rows and parameters.columns:
            return parameters.rows, parameters.columns
        return layout_of(parameters.film)

    def _tiles(self, parameters):
        """The layout that is chosen, and the boxes of all tiles where the user has dragged them."""
        import numpy as np

        from FilmRecoveryLib.grids import tile_boxes
        from FilmRecoveryLib.handles import TILES, handles_of, places_of
        from FilmRecoveryLib.nodes import tiles_are_given
        from InverseImagingLib.image import Image

        layout = self.layout(parameters)
        if layout is not None and tiles_are_given(parameters.film):
            boxes = tile_boxes(places_of(handles_of(parameters.film, TILES)), *layout)
            return "{}x{}".format(*layout), Image(boxes[None].astype(np.float32), name="tiles")
        return (f"{parameters.rows}x{parameters.columns}" if parameters.rows else ""), None

    def filmIsCurrent(self, parameters):
        """Whether the last flat film of the photo is what the parameters and the outline ask for."""
        from FilmRecoveryLib.nodes import FILM, newest, outline_was_moved
        from InverseImagingLib.method import options_to_dict
        from InverseImagingLib.nodes import report_of

        film = newest(parameters.inputVolume, FILM)
        if film is None or outline_was_moved(parameters.inputVolume):
            return False
        wanted, made = options_to_dict(self._filmOptions(parameters)), report_of(film)["settings"]
        return all(made.get(name) == value for name, value in wanted.items() if name != "device")

    def addResult(self, result, request):
        """Add the film beside its photo, the slices beside their film, or their features beside them. Returns the
        nodes, the principal one first."""
        from FilmRecoveryLib.nodes import add_film, add_radiomics, add_slices, layout_of, show_outline, show_tiles

        parameters = self.getParameterNode()
        if request.method == self.RADIOMICS:
            nodes = add_radiomics(result, request.source)
        elif request.method == self.SLICES:
            nodes = add_slices(result, request.source, parameters.addTo)
            show_tiles(request.source, layout_of(request.source))
        else:
            nodes = add_film(result, request.source)
            show_outline(request.source, parameters.handles)
            parameters.film = nodes[0]
        return nodes

    # Files

    def loadPhoto(self, path):
        """Load a photo as a volume node, turned as the camera was held. Raises InputError."""
        from FilmRecoveryLib.photo import read
        from InverseImagingLib.nodes import node_from_image

        image = read(path)
        node = node_from_image(image, slicer.mrmlScene.GenerateUniqueName(path.stem))
        if not image.is_color:
            node.GetDisplayNode().AutoWindowLevelOn()
        return node

    def saveFilm(self, parameters, path):
        """Write the flat film as a PNG file of 16 bits. Raises InputError."""
        from FilmRecoveryLib.export import write_film
        from FilmRecoveryLib.nodes import film_image

        write_film(film_image(parameters.film), path)

    def saveDicom(self, parameters, path):
        """Write the last slices of the film as a derived DICOM series into a new folder. Raises InputError."""
        from FilmRecoveryLib.nodes import SLICES, newest, slices_image
        from FilmRecoveryLib.series import write_slices
        from InverseImagingLib.nodes import report_of

        volume = newest(parameters.film, SLICES)
        write_slices(slices_image(volume), path, report_of(volume))

    # The console

    def flatten(self, photo, options=None):
        """Flatten the film in a photo now, in this process, and return the new nodes, the film first.

        photo: volume node with one picture; options: FlattenOptions. Raises InputError.
        """
        from FilmRecoveryLib.flatten import flatten
        from FilmRecoveryLib.nodes import add_film
        from FilmRecoveryLib.options import FlattenOptions
        from InverseImagingLib.nodes import image_from_node

        return add_film(flatten(image_from_node(photo), options or FlattenOptions()), photo)

    def extract(self, film, options=None):
        """Extract the slices of a flat film now, in this process, and return the new nodes, the volume first.

        film: volume node with one picture in gray; options: ExtractOptions. Raises InputError.
        """
        from FilmRecoveryLib.extract import extract
        from FilmRecoveryLib.nodes import add_slices, film_image
        from FilmRecoveryLib.options import ExtractOptions

        return add_slices(extract(film_image(film), options or ExtractOptions()), film)


class FilmRecoveryTest(ScriptedLoadableModuleTest):
    """What Reload and Test runs inside Slicer."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_slices()

    def test_slices(self):
        """Of a film of six slices, each a disk of one gray, of a known window."""
        import numpy as np

        from FilmRecoveryLib.options import ExtractOptions
        from InverseImagingLib.nodes import report_of

        rows, columns = np.ogrid[-64:64, -64:64]
        disk = np.hypot(rows, columns) < 40
        grays = np.linspace(0.3, 0.8, 6)
        tiles = [np.pad(np.where(disk, gray, 0.0), 8) for gray in grays]
        film = np.block([tiles[:3], tiles[3:]]).astype(np.float32)
        source = slicer.util.addVolumeFromArray(film[None], name="Film")
        options = ExtractOptions(layout="2x3", level=40.0, width=400.0, spacing_x=1.0, spacing_y=1.0, spacing_z=5.0)
        volume, lost = FilmRecoveryLogic().extract(source, options)
        slices = slicer.util.arrayFromVolume(volume)
        self.assertEqual(len(slices), 6)
        middle = slices[:, slices.shape[1] // 2, slices.shape[2] // 2]
        self.assertLess(np.abs(middle - (40 + 400 * (grays - 0.5))).max(), 15)
        self.assertEqual(slicer.util.arrayFromVolume(lost).shape, slices.shape)
        self.assertEqual(volume.GetNodeReference("InverseImaging.SourceVolume"), source)
        self.assertEqual(report_of(volume)["layout"], "2x3")
        self.delayDisplay("Took six slices from a film")
