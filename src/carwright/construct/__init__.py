"""A CAR as data, and its named effects on model parameters."""
