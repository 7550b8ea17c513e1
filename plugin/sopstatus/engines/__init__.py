"""Services and hooks for interface engines; one module a host, and each imports its own host only."""
