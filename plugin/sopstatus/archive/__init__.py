"""Whole archives: scanned into a folder of part files that a killed scan goes on with."""
