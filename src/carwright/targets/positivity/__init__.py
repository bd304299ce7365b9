"""When a cell is positive, how sure that is, and what doublets fake."""
