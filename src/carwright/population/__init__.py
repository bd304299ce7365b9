"""Virtual patients: distributions, two levels of variation, counter-based random streams."""
