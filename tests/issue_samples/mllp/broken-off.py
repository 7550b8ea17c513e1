from pathlib import Path

from sopstatus.engines.mllp.answer import fault
from sopstatus.engines.mllp.frame import Framer

framer = Framer()
framer.feed(b"\x0b" + Path("shared/authorized.hl7").read_bytes())  # and the connection closes
issues = [issue for block in framer.close() for issue in fault(block, 1 << 20).issues]
