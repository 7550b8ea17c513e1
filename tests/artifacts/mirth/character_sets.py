"""Names in MSH-18, texts, and whether the character set has them."""

from sopstatus import SOPInstance

KANJI, LATIN = "患者の画像を承認しました", "geprüft"
SETS = [
    ("", LATIN, False),
    ("", "checked", True),
    ("8859/1", LATIN, True),
    ("8859/1", KANJI, False),
    ("ISO-8859-1", KANJI, False),
    ("ISO IR87", KANJI, True),
    ("~ISO IR87", KANJI, True),
    ("8859/1~ISO IR87", KANJI, True),
    ("UNICODE UTF-8", KANJI, True),
    ("UTF8", KANJI, True),
    ("NONE OF THEM", LATIN, False),
    ("GB 18030-2000", KANJI, True),
]


def message(charset, text=""):
    return f"MSH|^~\\&|A|B|||20240101||ORU^R01|1|P|2.5.1||||||{charset}\rPID|1|{text}\rOBR|1\r"


def about(text, holder=""):
    said = {"SOPInstanceStatus": "AO", "SOPAuthorizationComment": text}
    return SOPInstance("1.2", "1.2.3", "1.9", "1.2.3.4", holder, said)
