"""Send an image over a link of which nothing is known."""

from sopstatus import Link, transformer

issues = transformer("dicom", "dicom")("shared/authorized.dcm", outbound=Link()).issues
