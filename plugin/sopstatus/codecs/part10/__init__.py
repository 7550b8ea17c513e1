"""DICOM Part 10 files: `walk` reads headers, `plan` is what a walk looks for, `rewrite` and `file` splice."""
