/**
 * Look up the ImagingStudy of a study on a FHIR server, so that it can be written onto.
 *
 * @param {String} study - Study Instance UID
 * @return {Object} text: the resource as the server has it, null where it has none; url: where the
 *     new one is put (a conditional update where there is none, so that two at once make one)
 */
function sopstatusResource(study) {
    var server = sopstatusSetting('sopstatus.fhir', 'http://127.0.0.1:8081/fhir').replace(/\/+$/, '');
    var found = '/ImagingStudy?identifier=' + encodeURIComponent('urn:dicom:uid|urn:oid:' + study);
    var entries = JSON.parse(sopstatusGet(server, found)).entry || [];
    var ids = [];
    var index, resource;
    for (index = 0; index < entries.length; index++) {
        resource = entries[index].resource || {};
        if (resource.resourceType === 'ImagingStudy' && /^[A-Za-z0-9.\-]{1,64}$/.test(resource.id)) {
            ids.push(resource.id);
        }
    }
    if (ids.length > 1) {
        throw new Error('sopstatus: ' + ids.length + ' ImagingStudy of one study on ' + server);
    }
    if (!ids.length) {
        return { url: server + found, text: null };
    }
    // its own text: parsed and printed again, numbers would lose their spelling
    return { url: server + '/ImagingStudy/' + ids[0], text: sopstatusGet(server, '/ImagingStudy/' + ids[0]) };
}

function sopstatusGet(server, path) {
    var token = sopstatusSetting('sopstatus.fhir.token', '');
    var answer = sopstatusHTTP('GET', server + path, null, '', 'application/fhir+json', token);
    if (answer.status !== 200) {
        throw new Error('sopstatus: status ' + answer.status + ' from ' + server);
    }
    return answer.text;
}
