"""From photos of CT films to flat films and slices in HU."""
