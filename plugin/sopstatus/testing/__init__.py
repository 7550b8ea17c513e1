"""Local stand-ins of DICOMweb servers and clouds, for tests that cannot call the real ones.

Each is a small ASGI application with the quirks that docs/cloud.md lists, and whether they were
read or seen. They keep everything in memory and check no credentials: for tests only.
"""
