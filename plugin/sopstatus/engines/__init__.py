"""Services and hooks for interface engines: one module per host, which imports only that host."""
