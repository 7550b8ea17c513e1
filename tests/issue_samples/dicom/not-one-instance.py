from pathlib import Path

from sopstatus import transformer

transformer("hl7", "dicom")(Path("hl7/two-instances.hl7").read_bytes())
