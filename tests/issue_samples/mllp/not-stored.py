from sopstatus.engines.delivery.spool import Spool

Spool("mllp/not-stored.py")  # a file stands where the folder should be
