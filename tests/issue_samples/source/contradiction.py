from pathlib import Path

from sopstatus import SOPInstance, codec
from sopstatus.engines.enrich import enricher

hl7 = codec("hl7")
message = Path("shared/authorized.hl7").read_bytes()


class Elsewhere:
    """A source that says NS of what the message calls authorized."""

    def statements(self, study_instance_uid):
        for one in hl7.decode(message).value:
            yield SOPInstance(
                *one.identity[:2], "", one.sop_instance_uid, one.holder, {"SOPInstanceStatus": "NS"}
            )


issues = enricher(Elsewhere())(message).issues
