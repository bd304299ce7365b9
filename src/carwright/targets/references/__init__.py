"""Public tables and the package's own facts on antigens."""
