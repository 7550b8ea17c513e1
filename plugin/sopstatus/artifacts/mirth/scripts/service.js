/**
 * Carry the statements of a document onto another, or into a new one, by the service
 * (sopstatus serve). Throws an Error with the line of the issue where the service refuses, as it does
 * where an issue is an error, and where it does not answer: the message then stops with it. With the
 * setting sopstatus.errors = log the service is asked to be lenient: what was written despite an error
 * goes on, and the line is logged.
 *
 * @param {String} name - such as 'hl7-to-fhir'
 * @param {String} document - the document
 * @param {String} type - its media type: 'application/hl7-v2', 'application/dicom+json', ...
 * @param {String} into - the document to write onto; may be left out
 * @param {String} intoType - its media type
 * @return {String} the document that was written
 */
function sopstatusTransform(name, document, type, into, intoType) {
    var url = sopstatusSetting('sopstatus.service', 'http://127.0.0.1:8410').replace(/\/+$/, '') + '/transform/' + name;
    var token = sopstatusSetting('sopstatus.token', '');
    var body = String(document);
    var headers = sopstatusSetting('sopstatus.errors', 'stop') === 'log' ? { 'Prefer': 'handling=lenient' } : {};
    var answer;
    if (into) {
        body = sopstatusForm([['document', type, body], ['into', intoType, String(into)]]);
        type = 'multipart/form-data; boundary=' + body.boundary;
        body = body.text;
    } else {
        type += '; charset=UTF-8';
    }
    headers['Content-Type'] = type;
    answer = sopstatusHTTP('POST', url, body, headers, token);
    if (answer.status !== 200) {
        throw sopstatusFault(sopstatusLine(answer, url), answer.status);
    }
    if (/\berror=/.test(answer.issues)) { // it was written, but not whole: ask for the line
        headers.Accept = 'application/json';
        sopstatusStop(sopstatusLine(sopstatusHTTP('POST', url, body, headers, token), url), 422);
    }
    return answer.text;
}

/**
 * Fetch the metadata of a study from a DICOMweb server (PS3.18 10.4), if it knows the study.
 *
 * @param {String} study - Study Instance UID
 * @return {String} DICOM JSON; null where the server does not know the study, or none is set
 */
function sopstatusMetadata(study) {
    var server = sopstatusSetting('sopstatus.dicomweb', '').replace(/\/+$/, '');
    var url = server + '/studies/' + study + '/metadata';
    var token, answer, known;
    if (!server || !study) {
        return null;
    }
    token = sopstatusSetting('sopstatus.dicomweb.token', '');
    answer = sopstatusHTTP('GET', url, null, { 'Accept': 'application/dicom+json' }, token);
    if (answer.status === 404) { // no such study; or no such server: a search tells (PS3.18 10.6)
        known = sopstatusHTTP('GET', server + '/studies?limit=1', null, { 'Accept': 'application/dicom+json' }, token);
        if (known.status !== 200 && known.status !== 204) {
            logger.error('sopstatus: status ' + known.status + ' from ' + server + '/studies; correct sopstatus.dicomweb');
        }
    }
    if (answer.status === 404 || answer.status === 204) {
        return null;
    }
    if (answer.status !== 200) {
        throw sopstatusFault('sopstatus: status ' + answer.status + ' from ' + server, answer.status);
    }
    return answer.text;
}

/**
 * Return the Study Instance UID that a message names: in ZDS-1 or another segment of ours, IPC-3 or OBX 113014.
 *
 * @param {XML} msg - a message as the engine's own (non-strict) parser gives it
 * @return {String} '' where it names none
 */
function sopstatusStudy(msg) {
    var marks = sopstatusMarks(msg);
    var places = { ZDS: 1, IPC: 3, OBX: 5 };
    var segments = msg.elements();
    var index, name, fields, uid;
    sopstatusTables().segments.forEach(function (table) {
        places[table.name] = 1;
    });
    for (index = 0; index < segments.length(); index++) {
        name = String(segments[index].localName());
        if (!sopstatusLookUp(places, name, 0)) {
            continue;
        }
        fields = sopstatusFields(segments[index], marks);
        uid = sopstatusUnpadded(sopstatusFirst(fields, places[name], marks));
        if (name === 'OBX' && !sopstatusPoints(fields, marks)) {
            continue;
        }
        if (sopstatusIsUID(uid)) {
            return uid;
        }
    }
    return '';
}

/* Send a request and return status, text, what the service counts of issues, version and place. */
function sopstatusHTTP(method, url, body, headers, token) {
    var methods = Packages.org.apache.http.client.methods;
    var request = method === 'GET' ? new methods.HttpGet(url) :
        method === 'PUT' ? new methods.HttpPut(url) : new methods.HttpPost(url);
    var response, entity, name;
    function header(key) {
        var found = response.getFirstHeader(key);
        return found === null ? '' : String(found.getValue());
    }
    for (name in headers) {
        if (Object.prototype.hasOwnProperty.call(headers, name)) {
            request.setHeader(name, headers[name]);
        }
    }
    if (token) {
        request.setHeader('Authorization', 'Bearer ' + token);
    }
    if (body !== null) {
        request.setEntity(new Packages.org.apache.http.entity.ByteArrayEntity(
            new Packages.java.lang.String(body).getBytes('UTF-8')));
    }
    try {
        response = sopstatusClient().execute(request);
    } catch (error) {
        // the class tells what happened (refused, timed out); its text may hold more than that
        throw sopstatusFault('sopstatus: no answer from ' + url + ' (' +
            String(error.javaException ? error.javaException.getClass().getSimpleName() : 'error') + ')', 0);
    }
    try {
        entity = response.getEntity();
        return {
            status: Number(response.getStatusLine().getStatusCode()),
            text: entity === null ? '' : String(Packages.org.apache.http.util.EntityUtils.toString(entity, 'UTF-8')),
            issues: header('sopstatus-issues'),
            etag: header('ETag'),
            location: header('Location') || header('Content-Location')
        };
    } finally {
        response.close(); // back to the pool
    }
}

/* Return the one client of this engine, with its pool of connections. */
function sopstatusClient() {
    var http = Packages.org.apache.http;
    var client = globalMap.get('sopstatus.client');
    var pool, times;
    if (client === null || client === undefined) {
        pool = new http.impl.conn.PoolingHttpClientConnectionManager();
        pool.setMaxTotal(50);
        pool.setDefaultMaxPerRoute(50);
        times = http.client.config.RequestConfig.custom()
            .setConnectTimeout(3000).setConnectionRequestTimeout(10000).setSocketTimeout(60000).build();
        client = http.impl.client.HttpClients.custom().setConnectionManager(pool)
            .setDefaultRequestConfig(times).disableCookieManagement().disableRedirectHandling()
            .setRetryHandler(new http.impl.client.DefaultHttpRequestRetryHandler(1, true)).build();
        globalMap.put('sopstatus.client', client); // two at once make two: the later one stays
    }
    return client;
}

function sopstatusForm(parts) {
    var boundary = 'sopstatus-' + String(Packages.java.util.UUID.randomUUID());
    var text = '';
    var index;
    for (index = 0; index < parts.length; index++) {
        text += '--' + boundary + '\r\nContent-Disposition: form-data; name="' + parts[index][0] + '"\r\n' +
            'Content-Type: ' + parts[index][1] + '; charset=UTF-8\r\n\r\n' + parts[index][2] + '\r\n';
    }
    return { boundary: boundary, text: text + '--' + boundary + '--\r\n' };
}

/* Return the first error of an answer as the line that sopstatus prints. */
function sopstatusLine(answer, url) {
    var told = [];
    var index, issue;
    try {
        told = JSON.parse(answer.text).issues || [];
    } catch (error) {
        told = [];
    }
    for (index = 0; index < told.length; index++) {
        issue = told[index];
        if (issue.severity === 'fatal' || issue.severity === 'error') {
            return issue.severity + ' ' + issue.code + ' ' + (issue.location || '-') + ': ' + issue.diagnostics;
        }
    }
    return 'sopstatus: status ' + answer.status + ' from ' + url;
}
