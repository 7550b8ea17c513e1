from pathlib import Path

from sopstatus import Limits, codec

message = Path("shared/authorized.hl7").read_bytes()
crowded = message.replace(b"AO^", b"~" * 20 + b"AO^", 1)
issues = codec("hl7", limits=Limits(repetitions=10)).decode(crowded).issues
