"""Boolean gates, what they are worth, and exhaustive search."""
