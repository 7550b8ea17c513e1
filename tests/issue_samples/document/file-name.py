from sopstatus import codec

codec("hl7").decode("shared/authorized.hl7")
