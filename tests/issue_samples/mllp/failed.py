from pathlib import Path

from sopstatus import Link
from sopstatus.engines.mllp.work import work


def of_the_site(message, *, link):
    return message.no_such_thing


done = work(limit=1 << 20, transform=of_the_site)
issues = done(Path("shared/authorized.hl7").read_bytes(), Link()).issues
