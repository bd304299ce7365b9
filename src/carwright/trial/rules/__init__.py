"""Rules that wrap a design, one file each; ``design | rule``."""
