"""Documents that are malformed and can still be read, and what other software reads in what we write."""
