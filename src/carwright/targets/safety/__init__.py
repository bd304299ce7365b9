"""Normal cell classes and the verdicts on them."""
