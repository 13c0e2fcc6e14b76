"""Training of the networks: what is particular of data and lessons."""
