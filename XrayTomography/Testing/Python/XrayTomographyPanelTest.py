"""The panel inside Slicer, with a real worker and a network that has learned nothing: Apply adds a volume beside the
radiograph, which the view follows; Cancel leaves nothing."""

import tempfile
import time
import unittest
from pathlib import Path

import slicer


class XrayTomographyPanelTest(unittest.TestCase):
    """Run by ctest; needs PyTorch and the packages of requirements.txt in Slicer's Python."""

    def setUp(self):
        import SampleData
        from safetensors.torch import save_file

        from XrayTomographyLib.networks import VolumeNet

        slicer.mrmlScene.Clear()
        slicer.util.selectModule("XrayTomography")
        self.section = slicer.modules.XrayTomographyWidget.section
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.radiograph = SampleData.downloadSample("X-ray Tomography skull radiograph")
        p = self.section.panel.parameters
        p.inputVolume, p.size, p.weights = self.radiograph, 64, str(Path(folder.name) / "own.safetensors")
        save_file(VolumeNet().state_dict(), p.weights)

    def wait(self, condition, seconds):
        end = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), end, self.section.ui.statusLabel.text)
            slicer.app.processEvents()
            time.sleep(0.01)

    def isIdle(self):
        return not self.section.panel.isRunning

    def test_apply(self):
        before = slicer.util.arrayFromVolume(self.radiograph).copy()
        self.section.ui.applyButton.click()
        self.wait(self.isIdle, 120)
        self.assertTrue(self.section.ui.statusLabel.text.startswith("Finished"), self.section.ui.statusLabel.text)
        volume = slicer.util.getNode("SkullRadiograph volume (estimate)")
        self.assertEqual(volume.GetNodeReference("InverseImaging.SourceVolume"), self.radiograph)
        rendering = slicer.modules.volumerendering.logic().GetFirstVolumeRenderingDisplayNode(volume)
        self.assertTrue(rendering.GetVisibility())
        self.assertTrue((slicer.util.arrayFromVolume(self.radiograph) == before).all())
        preview = "View from this angle (estimate, preview)"
        self.wait(lambda: slicer.mrmlScene.GetFirstNodeByName(preview), 60)
        self.section.panel.parameters.livePreview = False
        self.assertIsNone(slicer.mrmlScene.GetFirstNodeByName(preview))
        self.section.panel.parameters.level = 0.01
        self.section.ui.surfaceButton.click()
        self.assertEqual(len(slicer.util.getNodes("*surface at 0.01*")), 1)

    def test_cancel(self):
        nodes = slicer.mrmlScene.GetNumberOfNodes()
        self.section.ui.turntableButton.click()
        self.wait(lambda: self.section.ui.progressBar.value > 0, 120)
        self.section.ui.applyButton.click()
        self.wait(self.isIdle, 5)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), nodes)


if __name__ == "__main__":
    unittest.main()
