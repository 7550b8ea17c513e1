from sopstatus import transformer
from sopstatus.engines.orthanc.arrival import compare

done = transformer("dicom", "dicom")("shared/image.dcm")
compare({"0100,0410": "AO"}, done.records)
