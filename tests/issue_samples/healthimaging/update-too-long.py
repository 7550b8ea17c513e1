from sopstatus import SOPInstance
from sopstatus.codecs.healthimaging.codec import update

SAID = {"SOPInstanceStatus": "NS"}
said = [SOPInstance("1.2.3", "1.2.3.1", "", f"1.2.3.1.{n}", "", SAID) for n in range(1000)]
instances = {x.sop_instance_uid: {"DICOM": {}} for x in said}
series = {"1.2.3.1": {"DICOM": {}, "Instances": instances}}
document = {"Study": {"DICOM": {"StudyInstanceUID": "1.2.3"}, "Series": series}}
issues = update(said, document).issues
