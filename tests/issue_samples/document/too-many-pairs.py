from sopstatus import Limits, SOPInstance, expand

known = [SOPInstance("1.2.3", "1.2.3.4", "", f"1.2.3.4.{number}") for number in range(9)]
said = {"SOPInstanceStatus": "AO"}
given = [SOPInstance("1.2.3", holder=f"PACS{number}", attributes=said) for number in range(9)]
expand(given, known, Limits(pairs=50))  # the usual limit would take 100,000
