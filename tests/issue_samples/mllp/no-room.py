from contextlib import closing
from tempfile import mkdtemp

from sopstatus.engines.delivery.spool import New, Spool

with closing(Spool(mkdtemp(), reserve=1 << 60)) as spool:  # more than any disk has
    spool.add([New(b"MSH|^~\\&|RIS\r", stream=1)])
