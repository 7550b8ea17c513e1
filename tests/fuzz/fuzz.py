"""Coverage-guided fuzzing of the codecs, the table loader and `explain`, on bytes (atheris).

``python tests/fuzz/fuzz.py TARGET [CORPUS ...] [libFuzzer options]``; the targets stand in
targets.py. Seeds come from seeds.py; what crashes belongs into crashers/TARGET/, where the tests
find it.
"""

import sys
import warnings
from pathlib import Path

import atheris

sys.path.append(str(Path(__file__).resolve().parents[1]))  # what the target launder reads with

with atheris.instrument_imports(include=["sopstatus"]):
    import targets


def main():
    warnings.simplefilter("ignore")  # pydicom tells of what it mends
    atheris.Setup([sys.argv[0], *sys.argv[2:]], getattr(targets, sys.argv[1]))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
