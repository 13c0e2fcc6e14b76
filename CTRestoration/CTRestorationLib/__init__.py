"""CT restoration: denoising, super-resolution, inpainting and restoration of CT images in HU."""
