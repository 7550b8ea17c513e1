// Makes an ImagingStudy of what the message's ZDS segments say; the destination puts it to a FHIR server.
// Settings, Configuration Map: sopstatus.service (default http://127.0.0.1:8080), sopstatus.token.
// An error stops the message: it is answered AE, with the line in its errors.
var er7 = String(SerializerFactory.getSerializer('HL7V2').fromXML(msg.toXMLString()));
channelMap.put('sopstatusStudy', sopstatusStudy(msg));
channelMap.put('sopstatusFHIR', sopstatusTransform('hl7-to-fhir', er7, 'application/hl7-v2'));
