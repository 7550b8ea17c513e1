"""A data set as the engine's data type DICOM has it."""

from xml.sax.saxutils import escape

from pydicom.multival import MultiValue


def dicom_xml(dataset):
    """Return a data set as the engine's data type DICOM does: an element a tag, text as it is."""
    made = []
    for element in dataset:
        name = f"tag{int(element.tag):08X}"
        inner = ""
        if element.VR == "SQ":
            inner = "".join(f"<item>{dicom_xml(item)[7:-8]}</item>" for item in element.value)
        elif element.VR not in ("OB", "OW", "UN"):
            inner = escape("\\".join(map(str, multiple(element.value))))
            inner = inner.replace("\r", "&#13;")
        made.append(
            f'<{name} len="{len(inner)}" tag="{name[3:]}" vr="{element.VR}">{inner}</{name}>'
        )
    return f"<dicom>{''.join(made)}</dicom>"


def multiple(value):
    if value is None:
        return []
    return value if isinstance(value, MultiValue) else [value]
