"""Training of the networks of any method: data, lessons, and the run itself."""
