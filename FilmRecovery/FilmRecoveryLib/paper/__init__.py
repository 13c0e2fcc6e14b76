"""The networks and losses of the paper FIReNet."""
