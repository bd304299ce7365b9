"""The biology as data: Antimony modules and one parameter table per disease."""
