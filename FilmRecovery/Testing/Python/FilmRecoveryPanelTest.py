"""The panel inside Slicer, with a real worker: Apply makes the flat film and its slices; Cancel leaves nothing."""

import time
import unittest

import numpy as np
import slicer


class FilmRecoveryPanelTest(unittest.TestCase):
    """Run by ctest; needs PyTorch and the packages of requirements.txt in Slicer's Python."""

    def setUp(self):
        slicer.mrmlScene.Clear()
        slicer.util.selectModule("FilmRecovery")
        self.section = slicer.modules.FilmRecoveryWidget.section
        rows, columns = np.ogrid[-64:64, -64:64]
        tile = np.pad(np.where(np.hypot(rows, columns) < 48, 170, 40), 8, constant_values=25)
        photo = np.full((560, 720), 240, np.uint8)
        photo[60:492, 72:648] = np.tile(tile, (3, 4))
        self.photo = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "Photo")
        slicer.util.updateVolumeFromArray(self.photo, np.repeat(photo[None, ..., None], 3, axis=-1))
        p = self.section.panel.parameters
        p.inputVolume, p.film = self.photo, None
        p.rows, p.columns, p.level, p.width = 3, 4, 40.0, 400.0

    def wait(self, seconds):
        end = time.monotonic() + seconds
        while self.section.panel.isRunning:
            self.assertLess(time.monotonic(), end, self.section.ui.statusLabel.text)
            slicer.app.processEvents()
            time.sleep(0.01)

    def test_apply(self):
        from FilmRecoveryLib.nodes import SLICES, newest

        before = slicer.util.arrayFromVolume(self.photo).copy()
        self.section.ui.outlineButton.click()
        corners = slicer.util.getNode("Photo outline")
        for index, (x, y) in enumerate(((72, 60), (647, 60), (72, 491), (647, 491))):
            corners.SetNthControlPointPosition(index, x, y, 0)
        self.section.ui.applyButton.click()
        self.wait(240)
        self.assertTrue(self.section.ui.statusLabel.text.startswith("Finished"), self.section.ui.statusLabel.text)
        film = self.section.panel.parameters.film
        self.assertEqual(film.GetNodeReference("InverseImaging.SourceVolume"), self.photo)
        volume = newest(film, SLICES)
        self.assertEqual(volume.GetImageData().GetDimensions()[2], 12)
        composite = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
        self.assertEqual(composite.GetBackgroundVolumeID(), volume.GetID())
        self.assertTrue((slicer.util.arrayFromVolume(self.photo) == before).all())

    def test_cancel(self):
        nodes = slicer.mrmlScene.GetNumberOfNodes()
        self.section.ui.applyButton.click()
        self.section.ui.applyButton.click()
        self.wait(5)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), nodes)


if __name__ == "__main__":
    unittest.main()
