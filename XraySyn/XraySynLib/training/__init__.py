"""Training of the networks: data, lessons, and the run itself."""
