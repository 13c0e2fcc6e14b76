"""The colors of a cryosection for a CT."""
