"""Documents made of the tables and the catalogue."""
