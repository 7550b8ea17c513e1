from sopstatus import DocumentError
from sopstatus.codecs.hl7_xml import of_er7

try:
    of_er7(b"MSH|^~\\&|A|B\r  ZDS|1.2.3^^Application^DICOM\r")
except DocumentError as error:
    issues = error.issues
