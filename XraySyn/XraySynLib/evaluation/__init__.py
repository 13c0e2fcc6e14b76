"""Evaluation: how near the model comes to what is known, beside simpler ways."""
