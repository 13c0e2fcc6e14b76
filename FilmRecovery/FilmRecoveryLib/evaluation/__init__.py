"""How near flat films and their slices come to what was printed, beside simpler ways."""
