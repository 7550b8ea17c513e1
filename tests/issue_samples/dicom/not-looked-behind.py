import io
from pathlib import Path

from sopstatus import codec

START, END = b"\xfe\xff\x00\xe0\xff\xff\xff\xff", b"\xfe\xff\x0d\xe0\0\0\0\0"
FRAME = START + b"\x18\0\x50\0DS\2\x001 " + END
HEAD, LAST = b"\x00\x52\x30\x92SQ\0\0\xff\xff\xff\xff", b"\xfe\xff\xdd\xe0\0\0\0\0"

groups = HEAD + FRAME * 300 + LAST  # functional groups of 300 frames
file = io.BytesIO(Path("shared/image.dcm").read_bytes() + groups)
issues = codec("dicom").decode(file).issues
