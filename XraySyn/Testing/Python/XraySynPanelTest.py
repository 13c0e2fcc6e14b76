"""The panel inside Slicer, with a real worker: Apply adds a radiograph beside the CT, and views beside a radiograph;
Cancel leaves nothing."""

import tempfile
import time
import unittest
from pathlib import Path

import slicer


class XraySynPanelTest(unittest.TestCase):
    """Run by ctest; needs PyTorch and the packages of requirements.txt in Slicer's Python."""

    def setUp(self):
        import SampleData

        slicer.mrmlScene.Clear()
        slicer.util.selectModule("XraySyn")
        module = slicer.modules.XraySynWidget
        self.widget = module.fromCT
        module.sections.show(self.widget)
        self.volume = SampleData.downloadSample("X-ray Synthesis thorax phantom")
        self.widget.panel.parameters.inputVolume = self.volume
        self.widget.panel.parameters.width = 128

    def wait(self, condition, seconds):
        end = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), end, self.widget.ui.statusLabel.text)
            slicer.app.processEvents()
            time.sleep(0.01)

    def isIdle(self):
        return not self.widget.panel.isRunning

    def test_apply(self):
        before = slicer.util.arrayFromVolume(self.volume).copy()
        self.widget.ui.applyButton.click()
        self.wait(self.isIdle, 120)
        self.assertTrue(self.widget.ui.statusLabel.text.startswith("Finished"), self.widget.ui.statusLabel.text)
        radiograph = slicer.util.getNode("ThoraxPhantom radiograph (simulated)")
        self.assertEqual(radiograph.GetNodeReference("InverseImaging.SourceVolume"), self.volume)
        self.assertEqual(radiograph.GetImageData().GetDimensions(), (128, 128, 1))
        self.assertEqual(slicer.util.getNode("ThoraxPhantom X-ray beam").GetClassName(), "vtkMRMLModelNode")
        self.assertTrue((slicer.util.arrayFromVolume(self.volume) == before).all())

    def test_cancel(self):
        self.widget.panel.parameters.sweepCount = 500
        nodes = slicer.mrmlScene.GetNumberOfNodes()
        self.widget.ui.sweepButton.click()
        self.wait(lambda: self.widget.ui.progressBar.value > 0, 120)
        self.widget.ui.applyButton.click()
        self.wait(self.isIdle, 5)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), nodes)

    def test_live_preview(self):
        nodes = slicer.mrmlScene.GetNumberOfNodes()
        self.widget.panel.parameters.livePreview = True
        self.wait(lambda: slicer.mrmlScene.GetFirstNodeByName("Radiograph preview"), 120)
        self.widget.panel.parameters.livePreview = False
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), nodes)

    def test_views_of_a_radiograph(self):
        """With a network that has learned nothing."""
        from safetensors.torch import save_file

        from XraySynLib.networks import DepthNet

        self.widget.ui.applyButton.click()
        self.wait(self.isIdle, 120)
        radiograph = slicer.util.getNode("ThoraxPhantom radiograph (simulated)")
        module = slicer.modules.XraySynWidget
        self.widget = module.fromRadiograph
        module.sections.show(self.widget)
        p = self.widget.panel.parameters
        with tempfile.TemporaryDirectory() as folder:
            p.inputVolume, p.tries, p.weights = radiograph, 1, str(Path(folder) / "own.safetensors")
            save_file(DepthNet().state_dict(), p.weights)
            self.widget.ui.applyButton.click()
            self.wait(self.isIdle, 120)
            self.assertTrue(self.widget.ui.statusLabel.text.startswith("Finished"), self.widget.ui.statusLabel.text)
            preview = "View from this angle (synthesized, preview)"
            self.wait(lambda: slicer.mrmlScene.GetFirstNodeByName(preview), 60)
            p.livePreview = False
        self.assertIsNone(slicer.mrmlScene.GetFirstNodeByName(preview))
        ct = slicer.util.getNode(f"{radiograph.GetName()} CT (synthesized)")
        self.assertEqual(ct.GetImageData().GetDimensions(), (128, 64, 128))


if __name__ == "__main__":
    unittest.main()
