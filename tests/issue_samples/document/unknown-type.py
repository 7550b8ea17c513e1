from sopstatus import codec

codec("hl7").decode({"resourceType": "ImagingStudy"})
