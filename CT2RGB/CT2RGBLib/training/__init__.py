"""What the network learns from, and for."""
