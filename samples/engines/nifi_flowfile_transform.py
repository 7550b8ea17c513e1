"""Apache NiFi 2: put this file into ``python/extensions``; a message goes in, a resource comes out."""

from nifiapi.flowfiletransform import FlowFileTransform, FlowFileTransformResult

MEDIA_TYPE = "application/fhir+json"


class SopStatusToFhir(FlowFileTransform):
    class Java:
        implements = ["org.apache.nifi.python.processor.FlowFileTransform"]

    class ProcessorDetails:
        version = "0.1.0"
        description = "Carries DICOM SOP Instance Status from an HL7 v2 message to FHIR"
        tags = ["DICOM", "HL7", "FHIR"]
        dependencies = ["sopstatus"]

    def __init__(self, **kwargs):
        pass

    def transform(self, context, flowfile):
        from sopstatus import DocumentError, transformer
        from sopstatus.documents import content  # NiFi installs it after loading
        from sopstatus.transform import says_nothing

        try:
            result = transformer("hl7", "fhir")(flowfile.getContentsAsBytes())
        except DocumentError as error:
            return FlowFileTransformResult("failure", attributes=told(error.issues))
        if says_nothing(result.issues):  # an ADT message, for instance
            return FlowFileTransformResult("failure", attributes=told(result.issues))
        attributes = {"mime.type": MEDIA_TYPE, **told(result.issues)}
        return FlowFileTransformResult(
            "success", contents=content.dump_json(result.value), attributes=attributes
        )


def told(issues):
    return {"sopstatus.issues": "\n".join(map(str, issues))} if issues else {}
