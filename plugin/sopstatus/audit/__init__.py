"""Audit records: each change of a status, stored outside the document and never in it.

`record` is one, `log` a chained file of them; `fhir` and `dicom` spell them for other systems.
"""
