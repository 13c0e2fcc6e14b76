"""The panel inside Slicer, with a real worker: Apply makes a result beside the input, Cancel leaves nothing."""

import time
import unittest

import slicer


class CTRestorationPanelTest(unittest.TestCase):
    """Run by ctest; needs PyTorch and the packages of requirements.txt in Slicer's Python."""

    def setUp(self):
        import SampleData

        from CTRestorationLib.options import Tier

        slicer.mrmlScene.Clear()
        slicer.util.selectModule("CTRestoration")
        self.widget = slicer.modules.CTRestorationWidget
        self.volume = SampleData.downloadSample("CT Restoration low-dose slice")
        self.widget.panel.parameters.inputVolume = self.volume
        self.widget.panel.parameters.tier = Tier.INSTANT

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
        result = slicer.util.getNode("LowDoseSlice denoised (derived)")
        self.assertEqual(result.GetNodeReference("InverseImaging.SourceVolume"), self.volume)
        after = slicer.util.arrayFromVolume(result)
        self.assertLess(after[:, 8:40, 8:40].std(), before[:, 8:40, 8:40].std() / 2)
        self.assertTrue((slicer.util.arrayFromVolume(self.volume) == before).all())

    def test_cancel(self):
        from CTRestorationLib.options import Tier

        self.widget.panel.parameters.tier = Tier.DEEP
        nodes = slicer.mrmlScene.GetNumberOfNodes()
        self.widget.ui.applyButton.click()
        self.wait(lambda: self.widget.ui.progressBar.value > 0, 120)
        self.widget.ui.applyButton.click()
        self.wait(self.isIdle, 5)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), nodes)


if __name__ == "__main__":
    unittest.main()
