"""Costs and the seconds predicted from them."""
