// Adds what a DICOMweb server knows of the message's study, and checks what the message says.
// Settings, Configuration Map: sopstatus.service (default http://127.0.0.1:8410),
// sopstatus.dicomweb (such as http://127.0.0.1:8042/dicom-web; without it, the message is checked
// only); where they want a bearer token, sopstatus.token and sopstatus.dicomweb.token.
// An error stops the message: it is answered AE, and the line stands in its errors.
sopstatusCheckDecoded(msg);
var before = msg.toXMLString();
var metadata = sopstatusMetadata(sopstatusStudy(msg));
sopstatusTransform('hl7-xml-to-hl7-xml', before, 'application/xml', before, 'application/xml');
if (metadata !== null) {
    msg = new XML(sopstatusTransform('dicom-json-to-hl7-xml', metadata, 'application/dicom+json', before, 'application/xml'));
}
