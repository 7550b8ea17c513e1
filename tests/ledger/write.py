"""One writer of several: feed a ledger with everybody's facts, in an order of one's own.

python write.py DATABASE SEED INSTANCES
"""

import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ledger.told import COMPLETE, minute, seen, whole_life
from sopstatus.ledger import Ledger

database, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
order = random.Random(seed)
uids = [f"1.2.{number}" for number in range(count)]
records = [record for uid in uids for record in whole_life(uid)]
instances = [seen("AO", "PACS", uid=uid, **COMPLETE) for uid in uids]
order.shuffle(records)
order.shuffle(instances)
with Ledger(database) as ledger:
    print("open", flush=True)
    new = 0
    for start in range(0, len(records), 40):  # many small transactions, so that they meet
        new += ledger.add(records[start : start + 40]).new
    new += ledger.observe(instances, time=minute(30)).new
print(new)
