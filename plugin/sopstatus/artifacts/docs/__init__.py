"""The reference page of a table: what an integration engineer looks up about its attributes."""
