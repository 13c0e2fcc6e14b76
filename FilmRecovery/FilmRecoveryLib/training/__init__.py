"""What the networks learn from, and for: films and photos of them, drawn by chance."""
