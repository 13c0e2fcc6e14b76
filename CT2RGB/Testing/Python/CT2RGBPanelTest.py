"""The panel inside Slicer, with a real worker: Apply shows colors over the CT and in 3D; Cancel leaves nothing."""

import time
import unittest

import numpy as np
import slicer


class CT2RGBPanelTest(unittest.TestCase):
    """Run by ctest; needs PyTorch and the packages of requirements.txt in Slicer's Python."""

    def setUp(self):
        from CT2RGBLib.options import Tier

        slicer.mrmlScene.Clear()
        slicer.util.selectModule("CT2RGB")
        self.section = slicer.modules.CT2RGBWidget.section
        rows, columns = np.ogrid[-64:64, -64:64]
        radius = np.hypot(rows, columns)
        slab = np.select([radius < 10, radius < 40, radius < 50], [800, 50, -100], -1000).astype(np.int16)
        self.limb = slicer.util.addVolumeFromArray(np.repeat(slab[None], 40, axis=0), name="Limb")
        self.limb.SetSpacing(2, 2, 5)
        p = self.section.panel.parameters
        p.inputVolume, p.tier, p.showVolume = self.limb, Tier.PALETTE, True

    def wait(self, condition, seconds):
        end = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), end, self.section.ui.statusLabel.text)
            slicer.app.processEvents()
            time.sleep(0.01)

    def isIdle(self):
        return not self.section.panel.isRunning

    def test_apply(self):
        before = slicer.util.arrayFromVolume(self.limb).copy()
        self.section.ui.applyButton.click()
        self.wait(self.isIdle, 120)
        self.assertTrue(self.section.ui.statusLabel.text.startswith("Finished"), self.section.ui.statusLabel.text)
        colors = slicer.util.getNode("Limb colors (illustrative)")
        self.assertEqual(colors.GetNodeReference("InverseImaging.SourceVolume"), self.limb)
        composite = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
        self.assertEqual(composite.GetForegroundVolumeID(), colors.GetID())
        solid = slicer.util.getNode("Limb colors in 3D (illustrative)")
        rendering = slicer.modules.volumerendering.logic().GetFirstVolumeRenderingDisplayNode(solid)
        self.assertTrue(rendering.GetVisibility())
        self.assertTrue((slicer.util.arrayFromVolume(self.limb) == before).all())

    def test_preview(self):
        p = self.section.panel.parameters
        p.livePreview = True
        self.wait(lambda: slicer.mrmlScene.GetFirstNodeByName("Inverse Imaging preview"), 120)
        p.livePreview = False
        self.assertIsNone(slicer.mrmlScene.GetFirstNodeByName("Inverse Imaging preview"))

    def test_cancel(self):
        nodes = slicer.mrmlScene.GetNumberOfNodes()
        self.section.ui.applyButton.click()
        self.section.ui.applyButton.click()
        self.wait(self.isIdle, 5)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), nodes)


if __name__ == "__main__":
    unittest.main()
