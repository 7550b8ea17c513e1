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
        from sopstatus import DocumentError, content, transformer  # NiFi installs it after loading

        try:
            result = transformer("hl7", "fhir")(flowfile.getContentsAsBytes())
        except DocumentError as error:
            return FlowFileTransformResult("failure", attributes=told(error.issues))
        attributes = {"mime.type": MEDIA_TYPE, **told(result.issues)}
        return FlowFileTransformResult(
            "success", contents=content.dump_json(result.value), attributes=attributes
        )


def told(issues):
    return {"sopstatus.issues": "\n".join(map(str, issues))} if issues else {}
