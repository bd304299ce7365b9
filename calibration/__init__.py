"""Fits behind the numbers that the parameter tables call fitted; run by hand, never by the package."""
