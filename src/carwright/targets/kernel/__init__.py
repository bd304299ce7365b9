"""Bits and the loops that count them."""
