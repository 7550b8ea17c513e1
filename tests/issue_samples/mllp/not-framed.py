from sopstatus.engines.mllp_answer import fault
from sopstatus.engines.mllp_frame import Framer

blocks = Framer().feed(b"GET / HTTP/1.1\r\n")
issues = [issue for block in blocks for issue in fault(block, 1 << 20).issues]
