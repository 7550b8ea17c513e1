"""InterSystems IRIS: a business process that answers a message with a FHIR resource.

Load it with ``intersystems_pyprod intersystems_on_request.py``. It takes an ``Ens.StringRequest`` with
the ER7 in StringValue and gives an ``Ens.StringResponse``.
"""

import iris
from intersystems_pyprod import BusinessProcess, IRISLog, Status
from sopstatus import DocumentError, transformer
from sopstatus.documents import content
from sopstatus.transform import says_nothing

iris_package_name = "SopStatus"
CARRY = transformer("hl7", "fhir")


class HL7ToFHIR(BusinessProcess):
    def OnRequest(self, request):
        try:
            result = CARRY(request.StringValue)
        except DocumentError as error:
            return Status.ERROR(str(error))  # no patient data in it
        for issue in result.issues:
            IRISLog.Info(str(issue))
        if says_nothing(result.issues):  # an ADT message, for instance: there is no response
            return Status.OK()
        response = iris.Ens.StringResponse._New()
        response.StringValue = content.dump_json(result.value).decode("utf-8")
        return Status.OK(), response
