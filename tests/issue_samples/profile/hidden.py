"""Write NS with a table that takes another element for (0100,0410): what stands there is still AO."""

from dataclasses import replace

from sopstatus import DocumentError, load_tables, transformer

tables = load_tables()
group = tables.groups[0]
status = replace(group.attributes[0], tag=0x01000411)
hidden = replace(group, attributes=(status, *group.attributes[1:]))
try:
    transformer("dicom", "dicom", tables=replace(tables, groups=(hidden,)))("shared/authorized.dcm")
except DocumentError as error:
    issues = error.issues
