from pathlib import Path

from sopstatus import Limits, codec

message = Path("shared/authorized.hl7").read_bytes()
foreign = b"ZDS|987861\r" * 3
issues = codec("hl7", limits=Limits(issues=1)).decode(message + foreign).issues
