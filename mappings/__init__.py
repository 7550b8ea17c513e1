"""The mapping tables: data only. README.md beside this file explains their language."""
