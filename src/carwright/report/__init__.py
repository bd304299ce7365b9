"""Figures, one file each, and the offline HTML report."""
