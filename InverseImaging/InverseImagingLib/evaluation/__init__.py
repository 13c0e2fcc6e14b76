"""Evaluation of any method: how near it comes to what is known, beside simpler ways."""
