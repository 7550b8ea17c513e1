from sopstatus import codec

codec("dicom").decode(b"hello")
