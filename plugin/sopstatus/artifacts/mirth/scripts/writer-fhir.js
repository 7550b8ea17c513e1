// Writes what the message states onto the ImagingStudy of each of its studies, or makes one: reads,
// transforms and writes when the message is sent, and begins again where somebody was quicker.
// Settings, Configuration Map: sopstatus.fhir (default http://127.0.0.1:8081/fhir) and
// sopstatus.fhir.token; sopstatus.fhir.missing = add (series and instances that a resource of
// somebody else does not list); sopstatus.fhir.older = skip (a message with an older MSH-7 does not
// replace what a newer one said). What the server refuses for good is an error, and the queue goes
// on; everything else is sent again.
var sent = sopstatusSend(JSON.parse(String(channelMap.get('sopstatusMessages'))));
return new Response(Status[sent.status], '', sent.line || 'The statements were written.', sent.line);
