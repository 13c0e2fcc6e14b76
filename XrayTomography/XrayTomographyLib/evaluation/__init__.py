"""How near the volumes come to the truth, and how true their stated spread is."""
