/**
 * Write what messages state onto the ImagingStudy of each study on a FHIR server, or make one.
 * For a JavaScript Writer, when the message is sent: it reads, transforms and writes in one go.
 *
 * @param {Array} messages - of sopstatusMessages()
 * @return {Object} status: 'SENT'; 'QUEUED' where sending again may help; 'ERROR' where it does not;
 *     line: what went wrong, of each study
 */
function sopstatusSend(messages) {
    var lines = [];
    var status = 'SENT';
    var index;
    for (index = 0; index < messages.length; index++) {
        try {
            sopstatusSendOne(messages[index]);
        } catch (error) {
            if (error.status === undefined) {
                throw error;
            }
            lines.push(error.message);
            status = status === 'QUEUED' || sopstatusWaits(error.status) ? 'QUEUED' : 'ERROR';
        }
    }
    return { status: status, line: lines.join('\n') };
}

/* Tell whether an answer may be another one later: by waiting, or when the site has set it right. */
function sopstatusWaits(status) {
    return status < 400 || status >= 500 || [401, 403, 408, 409, 412, 425, 429].indexOf(status) >= 0;
}

function sopstatusSendOne(message) {
    var id = '';
    var xml = sopstatusNewest(message);
    var tries, there, text, answer;
    if (!xml) {
        return;
    }
    for (tries = 0; tries < 10; tries++) {
        there = sopstatusResource(message.study, id);
        text = sopstatusTransform('hl7-xml-to-fhir' + sopstatusMissing(), xml, 'application/xml',
            there.text, 'application/fhir+json');
        answer = sopstatusPutResource(there, text);
        if (answer.status === 201 || (answer.status < 300 && there.text)) {
            sopstatusRemember(message);
            return;
        }
        if ([200, 404, 409, 410, 412].indexOf(answer.status) < 0) {
            throw sopstatusFault('sopstatus: status ' + answer.status + ' from ' + there.server, answer.status);
        }
        // somebody else was quicker: again from the beginning
        id = (/\/ImagingStudy\/([A-Za-z0-9.\-]{1,64})(?:\/|$)/.exec(answer.location) || ['', ''])[1];
    }
    throw sopstatusFault('sopstatus: status ' + answer.status + ' from ' + there.server + ', ' + tries + ' times',
        answer.status < 300 ? 409 : answer.status);
}

function sopstatusMissing() {
    return sopstatusSetting('sopstatus.fhir.missing', '') === 'add' ? '?missing=add' : '';
}

/* Put the resource where it was read, if it is still what was read; make it, if there is still none. */
function sopstatusPutResource(there, text) {
    var headers = { 'Content-Type': 'application/fhir+json; charset=UTF-8', 'Accept': 'application/fhir+json' };
    var token = sopstatusSetting('sopstatus.fhir.token', '');
    if (!there.text) {
        headers['If-None-Exist'] = there.query;
        return sopstatusHTTP('POST', there.server + '/ImagingStudy', text, headers, token);
    }
    if (there.version) {
        headers['If-Match'] = there.version;
    }
    return sopstatusHTTP('PUT', there.server + '/ImagingStudy/' + there.id, text, headers, token);
}

/* Look up the ImagingStudy of a study, so that it can be written onto; text is null where there is none. */
function sopstatusResource(study, id) {
    var server = sopstatusSetting('sopstatus.fhir', 'http://127.0.0.1:8081/fhir').replace(/\/+$/, '');
    var query = 'identifier=' + encodeURIComponent('urn:dicom:uid|urn:oid:' + study);
    var there = { server: server, query: query, text: null, id: id };
    var ids = id ? [id] : [];
    var entries, index, resource, answer;
    if (!id) {
        answer = sopstatusGet(server, '/ImagingStudy?' + query);
        if (answer.status !== 200) {
            throw sopstatusFault('sopstatus: status ' + answer.status + ' from ' + server, answer.status);
        }
        entries = sopstatusParsed(answer.text, server).entry || [];
        for (index = 0; index < entries.length; index++) {
            resource = entries[index].resource || {};
            if (resource.resourceType === 'ImagingStudy' && /^[A-Za-z0-9.\-]{1,64}$/.test(resource.id)) {
                ids.push(resource.id);
            }
        }
    }
    if (ids.length > 1) {
        throw sopstatusFault('sopstatus: ' + ids.length + ' ImagingStudy of one study on ' + server, 422);
    }
    if (ids.length) {
        answer = sopstatusGet(server, '/ImagingStudy/' + ids[0]);
        if (answer.status === 404 || answer.status === 410) { // gone since
            return there;
        }
        if (answer.status !== 200) {
            throw sopstatusFault('sopstatus: status ' + answer.status + ' from ' + server, answer.status);
        }
        there.id = ids[0];
        there.text = answer.text; // its own text: parsed and printed again, numbers would lose their spelling
        resource = sopstatusParsed(answer.text, server);
        there.version = answer.etag || (resource.meta && resource.meta.versionId ? 'W/"' + resource.meta.versionId + '"' : '');
    }
    return there;
}

function sopstatusGet(server, path) {
    // a server may answer a search out of its cache: what was made a moment ago would be missing
    var headers = { 'Accept': 'application/fhir+json', 'Cache-Control': 'no-cache' };
    return sopstatusHTTP('GET', server + path, null, headers, sopstatusSetting('sopstatus.fhir.token', ''));
}

function sopstatusParsed(text, server) {
    var value = null;
    try {
        value = JSON.parse(text);
    } catch (error) {
        value = null;
    }
    if (value === null || typeof value !== 'object') {
        throw sopstatusFault('sopstatus: no FHIR from ' + server, 0);
    }
    return value;
}

/* Return the message without the statements that a later one (MSH-7) has replaced, where a site
   wants that; null where none is left. */
function sopstatusNewest(message) {
    var sent = sopstatusInstant(message.sent);
    var msg, found, index, known, left;
    if (sopstatusSetting('sopstatus.fhir.older', 'write') !== 'skip' || sent === null) {
        return message.xml;
    }
    msg = new XML(message.xml);
    found = sopstatusFind(msg);
    left = found.length;
    for (index = found.length - 1; index >= 0; index--) {
        known = sopstatusSent().get(sopstatusIdentity(found[index].statement));
        if (known !== null && known !== undefined && Number(known) > sent) {
            delete msg[found[index].table.name][found[index].index];
            left--;
        }
    }
    return left ? msg.toXMLString() : null;
}

/* Remember when what a message states was sent (MSH-7): until the engine stops, of the last 100,000. */
function sopstatusRemember(message) {
    var sent = sopstatusInstant(message.sent);
    var memory, said, index, key, known;
    if (sopstatusSetting('sopstatus.fhir.older', 'write') !== 'skip' || sent === null) {
        return;
    }
    memory = sopstatusSent();
    said = sopstatusRead(new XML(message.xml));
    for (index = 0; index < said.length; index++) {
        key = sopstatusIdentity(said[index]);
        known = memory.get(key);
        if (known === null || known === undefined || Number(known) < sent) {
            memory.remove(key);
            memory.put(key, String(sent));
        }
    }
    while (memory.size() > 100000) {
        memory.remove(memory.keySet().iterator().next());
    }
}

function sopstatusSent() {
    var memory = globalMap.get('sopstatus.sent');
    if (memory === null || memory === undefined) {
        memory = new Packages.java.util.LinkedHashMap();
        globalMap.put('sopstatus.sent', memory);
    }
    return memory;
}

function sopstatusIdentity(statement) {
    var instance = statement.sopInstanceUID;
    return [instance ? '' : statement.studyInstanceUID, instance ? '' : statement.seriesInstanceUID,
        instance, sopstatusHolderKey(statement.holder)].join(' ');
}

/* Return milliseconds of a date-time that has an offset; null for another. */
function sopstatusInstant(text) {
    var value = sopstatusDateTime(text);
    var parts, offset;
    if (value === null || value.digits.length < 8 || !value.offset) {
        return null;
    }
    parts = (value.digits + '000000').substring(0, 14);
    offset = (Number(value.offset.substring(1, 3)) * 60 + Number(value.offset.substring(3))) *
        (value.offset.charAt(0) === '-' ? -1 : 1);
    return Date.UTC(Number(parts.substring(0, 4)), Number(parts.substring(4, 6)) - 1, Number(parts.substring(6, 8)),
        Number(parts.substring(8, 10)), Number(parts.substring(10, 12)) - offset, Number(parts.substring(12)),
        Number((value.fraction + '000').substring(0, 3)));
}
