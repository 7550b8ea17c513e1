from pathlib import Path

from sopstatus import codec
from sopstatus.codecs import part10

usual = part10._MAX_INFLATED
part10._MAX_INFLATED = 1 << 20  # the usual limit would take a file of 2 GiB
try:
    codec("dicom").decode(Path("dicom/too-large.dcm").read_bytes())
finally:
    part10._MAX_INFLATED = usual
