"""Small factorisations and the conventions of their results."""
