"""Who computes on how many cores, and that every setting is restored."""
