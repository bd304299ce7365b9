"""Dose-finding designs, one file each; `carwright.trial.registry` builds them by name."""
