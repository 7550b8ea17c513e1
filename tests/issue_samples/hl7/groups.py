from pathlib import Path

from hl7apy.parser import parse_message
from sopstatus import codec

text = Path("hl7/groups.hl7").read_text().replace("\n", "\r")
issues = codec("hl7").decode(parse_message(text)).issues
