from sopstatus import codec

codec("dicom-json").decode(b"<html>404 Not Found</html>")
