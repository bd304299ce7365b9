"""Carwright: design, dose and de-risk a CAR-T cell therapy in silico.

Research software. It must never be used for treatment decisions.
"""

__version__ = "0.1.0"
