"""Synthetic samples, one folder a case: image.dcm, message.hl7 and imaging-study.json."""
