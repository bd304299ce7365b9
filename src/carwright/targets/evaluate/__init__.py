"""Gates held against an atlas: layout as bits, reports, tables."""
