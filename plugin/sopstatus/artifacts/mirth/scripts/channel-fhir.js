// Checks a message, and hands on what it states of each study: the destination writes that onto the
// ImagingStudy of a FHIR server when the message is sent. Settings, Configuration Map:
// sopstatus.service (default http://127.0.0.1:8410); where it wants a bearer token, sopstatus.token.
// An error stops the message: it is answered AE, and the line stands in its errors. A message that
// states nothing goes no further.
sopstatusCheckDecoded(msg);
var messages = sopstatusMessages(msg);
var xml = msg.toXMLString();
sopstatusTransform('hl7-xml-to-hl7-xml', xml, 'application/xml', xml, 'application/xml');
if (messages.length) {
    channelMap.put('sopstatusMessages', JSON.stringify(messages));
} else {
    destinationSet.removeAll();
}
