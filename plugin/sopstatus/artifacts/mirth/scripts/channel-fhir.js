// Makes an ImagingStudy of what the message's ZDS segments say; the destination puts it to a FHIR server.
// Settings, Configuration Map: sopstatus.service (default http://127.0.0.1:8080), sopstatus.token.
// An error stops the message: it is answered AE, and the line stands in its errors.
channelMap.put('sopstatusStudy', sopstatusStudy(msg));
channelMap.put('sopstatusFHIR', sopstatusTransform('hl7-xml-to-fhir', msg.toXMLString(), 'application/xml'));
