/**
 * Read what a DICOM data set says of SOP Instance Status. Throws an Error with the line of an issue
 * where it says what these scripts do not carry; with the setting sopstatus.errors = log, logs it.
 *
 * @param {XML} dicom - msg of a channel with the data type DICOM (<dicom><tag01000410 ...>)
 * @param {String} holder - who holds this copy: AE Title, or AE Title^universal ID^type; may be left out
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
            text = sopstatusDICOMText(nodes[0], row);
            text = row.vr === 'CS' || row.vr === 'LO' || row.vr === 'SH' ? text.replace(/^ +/, '') : text;
            attributes[row.keyword] = text || null;
            local = local || (row.vr === 'DT' && /^[0-9]{14}(\.[0-9]+)?$/.test(text));
        }
    }
    sopstatusTables().others.forEach(function (other) {
        var tag = '(' + other.tag.substring(0, 4) + ',' + other.tag.substring(4) + ')';
        var line = sopstatusNotCarried(other, tag.toLowerCase());
        if (dicom['tag' + other.tag].length() && other.field) {
            sopstatusStop(line, 422);
        } else if (dicom['tag' + other.tag].length()) { // no message has it
            logger.warn(line);
        }
    });
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

/* Return the text of an element. XML loses the leading blanks of a text: the data set has them. */
function sopstatusDICOMText(node, row) {
    var text = String(node);
    var own;
    if (text && row.vr === 'LT' && typeof DICOMUtil !== 'undefined' && typeof connectorMessage !== 'undefined') {
        own = DICOMUtil.byteArrayToDicomObject(DICOMUtil.getDICOMRawBytes(connectorMessage), false)
            .getString(parseInt(row.tag, 16));
        own = own === null ? '' : String(own);
        text = own.replace(/^\s+|\s+$/g, '') === text.replace(/^\s+|\s+$/g, '') ? own : text;
    }
    return text.replace(/[ \x00]+$/, '');
}

/* Return the lines of what is wrong with the values of a data set, as sopstatus prints them. */
function sopstatusProblems(dicom) {
    var rows = sopstatusTables().rows;
    var lines = [];
    var index, nodes, problem, tag;
    for (index = 0; index < rows.length; index++) {
        nodes = dicom['tag' + rows[index].tag];
        problem = nodes.length() ? sopstatusProblem(rows[index], String(nodes[0]).replace(/[ \x00]+$/, '')) : '';
        if (problem) {
            tag = '(' + rows[index].tag.substring(0, 4) + ',' + rows[index].tag.substring(4) + ')';
            lines.push(sopstatusIssue(problem, tag.toLowerCase(), sopstatusFacts(rows[index], String(nodes[0]))));
        }
    }
    return lines;
}

/* Return the code of the error in a value, by its VR and terms; '' where there is none. */
function sopstatusProblem(row, text) {
    var term = sopstatusTrimmed(text);
    var terms = sopstatusKeys(row.displays);
    if (!text) {
        return '';
    }
    if (text.indexOf('\\') >= 0 && row.vr !== 'LT' && row.vm === '1') {
        return 'value/multiplicity';
    }
    if (row.vr === 'DT' && sopstatusDateTime(text) === null) {
        return /^(?:[0-9.+]*-[0-9]{4,}[0-9.+\-]*|[0-9.+]{4,}-)$/.test(text) ? 'value/date-time-range' : 'value/not-date-time';
    }
    if (row.vr !== 'CS' || terms.indexOf(term) >= 0) {
        return '';
    }
    if (terms.indexOf(term.toUpperCase()) >= 0) {
        return 'value/lower-case';
    }
    if (row.closed) {
        return 'value/unknown-term';
    }
    return /^[A-Z0-9 _]{0,16}$/.test(term) ? '' : 'value/not-code-string';
}

/* Return the facts of an issue about a value: of anything but what is near a term, its length only. */
function sopstatusFacts(row, text) {
    var terms = sopstatusKeys(row.displays);
    var words = terms.concat(sopstatusKeys(row.from));
    var value = text.replace(/[ \x00]+$/, '');
    var term = sopstatusTrimmed(value);
    var index, near;
    for (index = 0; index < terms.length; index++) {
        near = row.displays[terms[index]].toUpperCase();
        words = words.concat([near], near.split(' '));
    }
    near = value.length <= 2 || words.indexOf(term.toUpperCase()) >= 0;
    return {
        keyword: row.keyword,
        value: near && /^[ -~]*$/.test(value) ? '"' + value + '"' : 'a value of ' + value.length + ' characters',
        terms: terms.join(', '),
        term: term.toUpperCase(),
        count: value.split('\\').length,
        vm: row.vm
    };
}
