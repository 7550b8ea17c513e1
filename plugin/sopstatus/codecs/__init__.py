"""One codec a format; each knows the hub value and its format, never another codec."""
