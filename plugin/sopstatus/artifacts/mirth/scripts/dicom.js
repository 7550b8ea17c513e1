/**
 * Read what a DICOM data set says of the attributes of the tables. Throws an Error with the line of an
 * issue where one of them is not text; with the setting sopstatus.errors = log, logs it.
 *
 * @param {XML} dicom - msg of a channel with the data type DICOM (<dicom><tag01000410 ...>)
 * @param {String} holder - who holds this copy: AE Title, or AE Title^universal ID^type; may be left out
 * @return {Object} a statement as sopstatusRead() returns them, for sopstatusWrite()
 */
function sopstatusFromDICOM(dicom, holder) {
    var offset = sopstatusTrimmed(String(dicom['tag00080201'][0] || ''));
    var attributes = {};
    var local = false;
    sopstatusRows().forEach(function (row) {
        var nodes = dicom['tag' + row.tag];
        var text;
        if (nodes.length() && !sopstatusIsText(nodes[0])) {
            sopstatusStop(sopstatusIssue('dicom-xml/not-text', sopstatusTag(row), { keyword: row.keyword }), 422);
        } else if (nodes.length()) {
            text = sopstatusDICOMValue(row, sopstatusDICOMText(nodes[0], row));
            attributes[row.keyword] = text || null;
            local = local || (row.vr === 'DT' && sopstatusHasLocal(text));
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

/* Return the rows of the tables, those without a field too. */
function sopstatusRows() {
    return sopstatusTables().segments.reduce(function (rows, table) {
        return rows.concat(table.rows);
    }, []).concat(sopstatusTables().others);
}

function sopstatusTag(row) {
    return '(' + row.tag.substring(0, 4) + ',' + row.tag.substring(4) + ')';
}

/* Tell whether an element holds text: it is no sequence, and its VR is none of bytes. */
function sopstatusIsText(node) {
    return !node.elements().length() && !/^(?:OB|OD|OF|OL|OV|OW|SQ|UN)$/.test(String(node.attribute('vr')));
}

/* Return the text of an element. XML loses the leading blanks of a text: the data set has them. */
function sopstatusDICOMText(node, row) {
    var text = String(node);
    var own;
    if (text && row.vm === '1' && /^(?:LT|ST|UT|UC)$/.test(row.vr) &&
            typeof DICOMUtil !== 'undefined' && typeof connectorMessage !== 'undefined') {
        own = DICOMUtil.byteArrayToDicomObject(DICOMUtil.getDICOMRawBytes(connectorMessage), false)
            .getString(parseInt(row.tag, 16));
        own = own === null ? '' : String(own);
        text = own.replace(/^\s+|\s+$/g, '') === text.replace(/^\s+|\s+$/g, '') ? own : text;
    }
    return text;
}

/* Drop the padding of each value, and spell numbers that stand as bytes in one way. */
function sopstatusDICOMValue(row, text) {
    var items = row.vm === '1' && !/^(?:FL|FD|SL|SS|UL|US)$/.test(row.vr) ? [text] : text.split('\\');
    return items.map(function (item) {
        return sopstatusSpelling(row.vr, sopstatusUnpaddedAs(row.vr, item));
    }).join('\\');
}

/* Return the lines of what is wrong with the values of a data set, as sopstatus prints them. */
function sopstatusProblems(dicom) {
    var lines = [];
    sopstatusRows().forEach(function (row) {
        var nodes = dicom['tag' + row.tag];
        var text = nodes.length() && sopstatusIsText(nodes[0]) ? sopstatusDICOMValue(row, String(nodes[0])) : '';
        var isCut = !/^(?:ST|LT|UT)$/.test(row.vr) && (row.vm !== '1' || text.indexOf('\\') >= 0);
        var items = isCut ? text.split('\\') : [text];
        function tell(code, value) {
            lines.push(sopstatusIssue(code, sopstatusTag(row), sopstatusFacts(row, value)));
        }
        if (text && isCut && !sopstatusAllows(row.vm, items.length)) {
            tell('value/multiplicity', text);
            return;
        }
        items.forEach(function (item) {
            var code = item ? sopstatusProblem(row, item) : '';
            if (code) {
                tell(code, item);
            }
        });
    });
    return lines;
}

/* Return the code of the error in one value, by its VR and terms; '' where there is none. */
function sopstatusProblem(row, text) {
    var term = sopstatusTrimmed(text);
    var terms = sopstatusKeys(row.displays);
    if (row.vr === 'DT') {
        if (sopstatusDateTime(text) !== null) {
            return '';
        }
        return /^(?:[0-9.+]*-[0-9]{4,}[0-9.+\-]*|[0-9.+]{4,}-)$/.test(text) ? 'value/date-time-range' : 'value/not-date-time';
    }
    if (row.vr !== 'CS') { // a control character is a warning, and nothing more is said of the value
        return /[\x00-\x1a\x1c-\x1f\x7f]/.test(text) || sopstatusIsLegal(row.vr, text) ? '' : 'value/not-legal';
    }
    if (terms.indexOf(term) >= 0) {
        return '';
    }
    if (terms.indexOf(term.toUpperCase()) >= 0) {
        return 'value/lower-case';
    }
    if (row.closed) {
        return 'value/unknown-term';
    }
    return /^[A-Z0-9 _]{1,16}$/.test(term) ? '' : 'value/not-code-string';
}

/* Return the facts of an issue about a value: of anything but what is near a term, its length only. */
function sopstatusFacts(row, text) {
    var terms = sopstatusKeys(row.displays);
    var words = terms.concat(sopstatusKeys(row.from), row.words);
    var value = text;
    var term = value.replace(/^ +| +$/g, '');
    var index, near;
    for (index = 0; index < terms.length; index++) {
        near = row.displays[terms[index]].toUpperCase();
        words = words.concat([near], near.split(' '));
    }
    near = value.length <= 2 || words.indexOf(term.toUpperCase()) >= 0;
    return {
        keyword: row.keyword,
        value: near && sopstatusIsPrintable(value) ? '"' + value + '"' : 'a value of ' + value.length + ' characters',
        terms: terms.join(', '),
        term: term.toUpperCase(),
        count: value.split('\\').length,
        vm: row.vm,
        vr: row.vr
    };
}

/* Tell whether no character is a control character, a blank of another kind, or none at all. */
function sopstatusIsPrintable(text) {
    var hidden = [0, 12, 13, 14, 15, 16, 18, 19]; // Cn, Zs, Zl, Zp, Cc, Cf, Co, Cs
    return text.split('').every(function (character) {
        var type = Number(Packages.java.lang.Character.getType(new Packages.java.lang.Integer(character.charCodeAt(0)).intValue()));
        return character === ' ' || hidden.indexOf(type) < 0;
    });
}
