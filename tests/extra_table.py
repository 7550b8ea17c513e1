"""A table of a site's own, beside the shipped ones, for tests: synthetic."""


def table(attributes, contexts='"ImagingStudy"', segment="ZDX"):
    """Return its text with these attributes."""
    return f"""
name = "extra"
title = "Extra"
version = "0.1.0"
source = "PS3.3"
[fhir]
extension = "StructureDefinition/extra"
contexts = [{contexts}]
[hl7]
segment = "{segment}"
{attributes}"""


def qualification(codes, datatype='"CWE", coding-system = "99QC"'):
    """Return the attribute Content Qualification (0018,9004) with these codes."""
    return f"""
[[attribute]]
keyword = "ContentQualification"
tag = "0018,9004"
vr = "CS"
terms = "defined"
hl7 = {{ field = 5, datatype = {datatype} }}
fhir = {{ slice = "qualification", type = "code" }}
[attribute.codes]
{codes}
"""
