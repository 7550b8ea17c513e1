from sopstatus import SOPInstance, codec

statement = SOPInstance("1.2.3", attributes={"QualityControlImage": "YES"})
issues = codec("hl7").encode([statement]).issues
