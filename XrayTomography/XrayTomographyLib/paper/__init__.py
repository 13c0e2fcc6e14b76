"""The paper's own network."""
