"""Another XML, handed to the codec by its name: a file would be told apart by its root."""

from sopstatus import codec

codec("dicom-xml").decode("<ClinicalDocument/>")
