"""Certificates: what they measure, and that they do not hold for wrong answers."""
