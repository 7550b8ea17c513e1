from sopstatus import SOPInstance, codec

codec("healthimaging").blank([SOPInstance("1.2.3", "1.2.3.1"), SOPInstance("1.2.4", "1.2.4.1")])
