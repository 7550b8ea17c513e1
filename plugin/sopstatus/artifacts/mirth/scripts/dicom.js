/**
 * Read what a DICOM data set says of SOP Instance Status.
 *
 * @param {XML} dicom - msg of a channel with the data type DICOM (<dicom><tag01000410 ...>)
 * @param {String} holder - AE Title of the system that holds this copy; may be left out
 * @return {Object} a statement as sopstatusRead() returns them, for sopstatusWrite()
 */
function sopstatusFromDICOM(dicom, holder) {
    var rows = sopstatusTables().rows;
    var offset = sopstatusTrimmed(String(dicom['tag00080201'][0] || ''));
    var attributes = {};
    var local = false;
    var index, row, nodes, text;
    for (index = 0; index < rows.length; index++) {
        row = rows[index];
        nodes = dicom['tag' + row.tag];
        if (nodes.length()) {
            text = String(nodes[0]).replace(/[ \x00]+$/, '');
            text = row.vr === 'CS' || row.vr === 'LO' || row.vr === 'SH' ? text.replace(/^ +/, '') : text;
            attributes[row.keyword] = text || null;
            local = local || (row.vr === 'DT' && /^[0-9]{14}(\.[0-9]+)?$/.test(text));
        }
    }
    return {
        studyInstanceUID: sopstatusUID(dicom['tag0020000D']),
        seriesInstanceUID: sopstatusUID(dicom['tag0020000E']),
        sopClassUID: sopstatusUID(dicom['tag00080016']),
        sopInstanceUID: sopstatusUID(dicom['tag00080018']),
        holder: holder || '',
        attributes: attributes,
        offset: local && /^[+-][0-9]{4}$/.test(offset) && sopstatusDateTime('2000' + offset) ? offset : ''
    };
}

function sopstatusUID(nodes) {
    return nodes.length() ? String(nodes[0]).replace(/[ \x00]+$/, '') : '';
}
