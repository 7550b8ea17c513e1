"""Hosts that call the transformers; each module imports its own host only."""
