"""Posterior distributions of dose-finding models by quadrature, independent of designs and dose spaces.

Everything here takes counts by dose level (rows are trials, columns are levels) and returns arrays. A posterior
depends on the counts only, so equal rows of a batch are integrated once.
"""
