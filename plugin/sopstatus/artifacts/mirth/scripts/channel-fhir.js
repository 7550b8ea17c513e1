// Writes what the message's ZDS segments say onto the ImagingStudy of a FHIR server, or makes one.
// Settings, Configuration Map: sopstatus.service (default http://127.0.0.1:8410), sopstatus.fhir
// (default http://127.0.0.1:8081/fhir); where they want a bearer token, sopstatus.token and
// sopstatus.fhir.token. An error stops the message: it is answered AE, and the line stands in its
// errors. A message that names no study goes no further.
var study = sopstatusStudy(msg);
var there;
if (study) {
    there = sopstatusResource(study);
    channelMap.put('sopstatusURL', there.url);
    channelMap.put('sopstatusFHIR', sopstatusTransform('hl7-xml-to-fhir', msg.toXMLString(), 'application/xml',
        there.text, 'application/fhir+json'));
} else {
    destinationSet.removeAll();
}
