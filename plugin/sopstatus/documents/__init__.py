"""Documents of any format: what one is (`content`), what holds many (`containers`), and how two differ."""
