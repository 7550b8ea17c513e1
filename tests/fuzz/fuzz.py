"""Coverage-guided fuzzing of the codecs, the table loader and `explain`, on bytes (atheris).

``python tests/fuzz/fuzz.py TARGET [CORPUS ...] [libFuzzer options]``; the targets stand in
targets.py. Seeds come from seeds.py; what crashes belongs into crashers/TARGET/, where the tests
find it.
"""

import sys
import warnings

import atheris

with atheris.instrument_imports(include=["sopstatus"]):
    import targets
    from sopstatus.codecs import (  # noqa: F401
        dicom,
        dicom_json,
        dicom_xml,
        fhir,
        healthimaging,
        hl7,
        hl7_xml,
    )


def main():
    warnings.simplefilter("ignore")  # pydicom tells of what it mends
    atheris.Setup([sys.argv[0], *sys.argv[2:]], getattr(targets, sys.argv[1]))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
