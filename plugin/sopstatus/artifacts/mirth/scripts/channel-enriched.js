// Adds what a DICOMweb server knows of the message's study, and checks what the message says.
// Settings, Configuration Map: sopstatus.service (default http://127.0.0.1:8080),
// sopstatus.dicomweb (such as http://127.0.0.1:8042/dicom-web; without it, the message is checked
// only), sopstatus.token. An error stops the message: it is answered AE, with the line in its errors.
var serializer = SerializerFactory.getSerializer('HL7V2');
var er7 = String(serializer.fromXML(msg.toXMLString()));
var metadata = sopstatusMetadata(sopstatusStudy(msg));
if (metadata !== null) {
    er7 = sopstatusTransform('dicom-json-to-hl7', metadata, 'application/dicom+json', er7, 'application/hl7-v2');
    msg = new XML(String(serializer.toXML(er7)));
} else {
    sopstatusTransform('hl7-to-hl7', er7, 'application/hl7-v2', er7, 'application/hl7-v2');
}
