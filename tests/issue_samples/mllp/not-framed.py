from sopstatus.engines.mllp.answer import fault
from sopstatus.engines.mllp.frame import Framer

blocks = Framer().feed(b"MSH|^~\\&|RIS\r")
issues = [issue for block in blocks for issue in fault(block, 1 << 20).issues]
