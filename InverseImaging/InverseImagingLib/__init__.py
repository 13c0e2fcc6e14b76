"""What the methods of SlicerInverseImaging share: images, devices, running a method, DICOM, panels."""
