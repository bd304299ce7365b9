"""From files of cells to an atlas whose genes, donors and classes are understood."""
