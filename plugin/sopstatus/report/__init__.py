"""The state of an archive, from the Parquet of a scan, as one page. Needs the extra ``report``."""
