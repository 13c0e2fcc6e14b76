"""X-ray physics: geometry, projection, spectra, radiographs and phantoms."""
