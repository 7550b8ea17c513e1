/**
 * Read what the message's segments of ours say, one statement a segment: those of each name in the
 * order of the message, ZDS first. Where two differ about one copy, neither is preferred, and the
 * line of the issue is logged.
 *
 * @param {XML} msg - a message as the engine's own (non-strict) parser gives it
 * @return {Array} statements: studyInstanceUID, seriesInstanceUID, sopClassUID, sopInstanceUID,
 *     holder (AE Title^universal ID^type), and attributes by DICOM Keyword (null = stated and
 *     emptied; several values are parted by backslashes). A ZDS of another product is none.
 */
function sopstatusRead(msg) {
    var found = sopstatusFind(msg);
    var said = [];
    var index;
    for (index = 0; index < found.length; index++) {
        said.push(found[index].statement);
    }
    sopstatusTables().segments.forEach(function (table) {
        sopstatusTellContradictions(found.filter(function (one) {
            return one.table === table;
        }));
    });
    return said;
}

/* Log each statement that gives an attribute of a copy another value than the first about it does. */
function sopstatusTellContradictions(found) {
    var first = {};
    var index, said, key, earlier;
    function differs(keyword) {
        return Object.prototype.hasOwnProperty.call(earlier, keyword) && earlier[keyword] !== said.attributes[keyword];
    }
    for (index = 0; index < found.length; index++) {
        said = found[index].statement;
        if (sopstatusKeys(said.attributes).length) {
            key = [said.studyInstanceUID, said.seriesInstanceUID, said.sopInstanceUID, sopstatusHolderKey(said.holder)].join('|');
            earlier = sopstatusLookUp(first, key, said.attributes);
            first[key] = earlier;
            if (sopstatusKeys(said.attributes).some(differs)) {
                logger.warn(sopstatusIssue('document/contradiction', found[index].table.name + '[' + (found[index].index + 1) + ']', {}));
            }
        }
    }
}

/* Find our segments: each with its table, its number among those of its name, fields and statement. */
function sopstatusFind(msg) {
    return sopstatusTables().segments.reduce(function (found, table) {
        return found.concat(sopstatusFindIn(msg, table));
    }, []);
}

function sopstatusFindIn(msg, table) {
    var marks = sopstatusMarks(msg);
    var segments = msg[table.name];
    var found = [];
    var index, fields;
    for (index = 0; index < segments.length(); index++) {
        fields = sopstatusFields(segments[index], marks);
        if (sopstatusIsOurs(fields, marks) && !sopstatusIsCrowded(table, index, fields, marks)) {
            found.push(sopstatusStatement(table, index, fields, marks));
        }
    }
    return sopstatusInForce(msg, table.name, found, marks);
}

/* Tell whether a field repeats too often to be read; that stops the message, or is logged. */
function sopstatusIsCrowded(table, index, fields, marks) {
    var limit = sopstatusTables().repetitions;
    var crowded = [sopstatusTables().verbatimField].concat(table.rows.map(function (row) {
        return row.field;
    })).filter(function (number) {
        return sopstatusCut(fields[number] || '', marks.repetition).length > limit;
    });
    if (crowded.length) {
        sopstatusStop(sopstatusIssue('hl7/too-many-repetitions', table.name + '[' + (index + 1) + ']-' + crowded[0], { limit: limit }), 422);
    }
    return crowded.length > 0;
}

/* Leave out the statements that the message takes back; tell of the others where they stand. */
function sopstatusInForce(msg, name, found, marks) {
    var segments = msg.elements();
    var isTakenBack = found.length ? sopstatusTakenBack(msg, marks) : null;
    var places = [];
    var kept = [];
    var index, said;
    for (index = 0; found.length && index < segments.length(); index++) {
        if (String(segments[index].localName()) === name) {
            places.push(index);
        }
    }
    for (index = 0; index < found.length; index++) {
        said = found[index].statement;
        found[index].isTakenBack = isTakenBack(places[found[index].index], said.studyInstanceUID);
        if (!found[index].isTakenBack ||
                !(sopstatusKeys(said.attributes).length || sopstatusKeys(found[index].unread).length)) {
            kept.push(found[index]);
        }
    }
    return kept;
}

function sopstatusIsOurs(fields, marks) {
    var pointers = sopstatusCut(fields[1] || '', marks.repetition); // one study, and no more
    var parts = sopstatusComponents(pointers[0], marks);
    var kind = sopstatusUnpadded(parts[3] || '').toUpperCase();
    return pointers.length === 1 && sopstatusIsUID(sopstatusUnpadded(parts[0])) && (kind === '' || kind === 'DICOM');
}

function sopstatusIsUID(text) {
    return text.length <= 64 && /^(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+$/.test(text);
}

/* Cut text at a delimiter; a message may have none. */
function sopstatusCut(text, mark) {
    return mark ? text.split(mark) : [text];
}

function sopstatusComponents(text, marks) {
    var parts = sopstatusCut(text, marks.component);
    var index;
    for (index = 0; index < parts.length; index++) {
        parts[index] = sopstatusUnescaped(parts[index], marks);
    }
    return parts;
}

/* Return the ER7 text of each field of a segment, as the engine will write it, by its number. */
function sopstatusFields(segment, marks) {
    var nodes = segment.elements();
    var fields = [String(segment.localName())];
    var index, number, text;
    for (index = 0; index < nodes.length(); index++) {
        number = sopstatusNumber(nodes[index], fields[0]);
        if (number) {
            text = sopstatusText(nodes[index], [marks.component, marks.subcomponent || '&'], marks);
            fields[number] = fields[number] === undefined ? text : fields[number] + (marks.repetition || '~') + text;
        }
    }
    for (index = 1; index < fields.length; index++) {
        fields[index] = fields[index] || '';
    }
    return fields;
}

/* Return the number behind an element's name, 0 where it is no part of what holds it. */
function sopstatusNumber(node, name) {
    var own = String(node.localName());
    var tail = own.substring(name.length + 1);
    var number = own.indexOf(name + '.') === 0 && /^[0-9]{1,4}$/.test(tail) ? Number(tail) : 0;
    return number <= 256 ? number : 0;
}

function sopstatusText(node, below, marks) {
    var nodes = node.elements();
    var name = String(node.localName());
    var parts = [];
    var index, number;
    if (nodes.length() === 0) {
        return sopstatusUncut(String(node), marks);
    }
    for (index = 0; index < nodes.length(); index++) {
        number = sopstatusNumber(nodes[index], name);
        if (number && parts[number - 1] === undefined) {
            parts[number - 1] = sopstatusText(nodes[index], below.slice(1), marks);
        }
    }
    for (index = 0; index < parts.length; index++) {
        parts[index] = parts[index] || '';
    }
    return parts.join(below[0] || '&');
}

/* Escape what a script has put there and what would cut the field. */
function sopstatusUncut(text, marks) {
    var names = {};
    names['\n'] = 'X0A';
    names['\r'] = 'X0D';
    names[marks.component] = 'S';
    names[marks.field] = 'F';
    return text.replace(/[\s\S]/g, function (character) {
        if (!Object.prototype.hasOwnProperty.call(names, character)) {
            return character;
        }
        return marks.escape ? marks.escape + names[character] + marks.escape : '\ufffd';
    });
}

function sopstatusFirst(fields, number, marks) {
    return sopstatusComponents(sopstatusCut(fields[number] || '', marks.repetition)[0], marks)[0];
}

/* Tell whether an OBX names a study (DCM: DICOM Study; Study Instance UID), by its code or the alternate one. */
function sopstatusPoints(fields, marks) {
    var parts = sopstatusComponents(sopstatusCut(fields[3] || '', marks.repetition)[0], marks);
    var codes = /^(113014|110180)$/;
    return codes.test(parts[0]) || codes.test(parts[3] || '');
}

/* Return AE Title, universal ID and type of ZDS-10; blanks around each are padding. */
function sopstatusHeld(fields, marks) {
    var raw = sopstatusCut(fields[sopstatusTables().holderField] || '', marks.repetition)[0];
    var parts = sopstatusComponents(raw, marks).concat(['', '', '']).slice(0, 3);
    var index;
    for (index = 0; index < 3; index++) {
        parts[index] = parts[index].replace(/^ +|[ \x00]+$/g, '');
    }
    return parts;
}

function sopstatusStatement(table, index, fields, marks) {
    var tables = sopstatusTables();
    var kept = sopstatusVerbatim(fields[tables.verbatimField] || '', marks);
    var attributes = {};
    var unread = {};
    var number, row, value;
    for (number = 0; number < table.rows.length; number++) {
        row = table.rows[number];
        value = sopstatusValue(row, fields[row.field] || '', kept, marks);
        if (value === false) {
            unread[row.keyword] = true;
        } else if (value !== undefined) {
            attributes[row.keyword] = value === '' ? null : value;
        }
    }
    return {
        table: table,
        index: index,
        fields: fields,
        unread: unread,
        statement: {
            studyInstanceUID: sopstatusUnpadded(sopstatusFirst(fields, 1, marks)),
            seriesInstanceUID: sopstatusUnpadded(sopstatusFirst(fields, 2, marks)),
            sopClassUID: sopstatusUnpadded(sopstatusFirst(fields, 3, marks)),
            sopInstanceUID: sopstatusUnpadded(sopstatusFirst(fields, 4, marks)),
            holder: sopstatusHolder(sopstatusHolderParts(sopstatusHolder(sopstatusHeld(fields, marks)))),
            attributes: attributes,
            offset: kept[tables.offsetKeyword] || ''
        }
    };
}

/* Read one attribute: its text, null = emptied, undefined = not stated, false = not readable. */
function sopstatusValue(row, raw, kept, marks) {
    var read = null;
    var verbatim = kept[row.keyword] || null;
    var again;
    if (raw.split(marks.component)[0] === '""') {
        return null;
    }
    if (raw) {
        read = sopstatusFieldTexts(row, raw, marks);
        read = read && sopstatusFromHL7(row, read);
        if (read === null) {
            return false;
        }
    }
    if (verbatim === null) {
        return read === null ? undefined : read;
    }
    again = sopstatusItems(row, verbatim).map(function (item) {
        return sopstatusToHL7(row, item) || '';
    });
    again = again.some(Boolean) ? sopstatusFromHL7(row, again) : null;
    if (read !== null) { // the field wins, unless the exact text is that of the field
        return again === read || sopstatusIsLacking(row, read, again || '') ? verbatim : read;
    }
    // text may be missing because the character set could not hold it
    return again === null || /^(?:LT|LO|SH|ST|UT|UC)$/.test(row.vr) ? verbatim : undefined;
}

/* Tell whether several texts are those of the whole, but for some that are missing. */
function sopstatusIsLacking(row, read, whole) {
    var wanted = sopstatusItems(row, whole);
    var items = sopstatusItems(row, read);
    return /^(?:LT|LO|SH|ST|UT|UC)$/.test(row.vr) && items.length > 1 && items.length === wanted.length &&
        items.every(function (item, index) {
            return item === '' || item === wanted[index];
        });
}

/* Return the text of each repetition of a field; null where a coded one has no code. */
function sopstatusFieldTexts(row, raw, marks) {
    var isCut = row.vm !== '1' || row.vr === 'CS' || row.vr === 'DT';
    var repetitions = isCut ? sopstatusCut(raw, marks.repetition) : [raw];
    var texts = [];
    var index, parts, code;
    for (index = 0; index < repetitions.length; index++) {
        if ((row.vr !== 'CS' && row.vr !== 'DT') || (!repetitions[index] && row.vm !== '1')) {
            texts.push(sopstatusUnescaped(repetitions[index], marks));
            continue;
        }
        parts = sopstatusComponents(repetitions[index], marks);
        code = row.coded ? sopstatusCode(row, parts) : parts[0];
        if (row.coded && !code) {
            return null;
        }
        texts.push(row.vr === 'DT' ? sopstatusUnpadded(code) : code);
    }
    return texts;
}

/* Return the code of a CWE, of an alternate coding if only that is ours; null where two of ours differ. */
function sopstatusCode(row, parts) {
    var own = [];
    var starts = [3, 9]; // CWE.4 to CWE.6; from 2.7 on CWE.10 to CWE.12
    var system = parts[2] || '';
    var main = Boolean(parts[0]) && (system === row.system ||
        (system === '' && sopstatusLookUp(row.from, sopstatusTrimmed(parts[0]), null) !== null));
    var index;
    for (index = 0; row.system && index < starts.length; index++) {
        if (parts[starts[index]] && parts[starts[index] + 2] === row.system) {
            own.push(parts[starts[index]]);
        }
    }
    if (!own.length) {
        return parts[0];
    }
    if (main) {
        own.unshift(parts[0]);
    }
    for (index = 1; index < own.length; index++) {
        if (sopstatusFromHL7(row, [own[index]]) !== sopstatusFromHL7(row, [own[0]])) {
            return null;
        }
    }
    return own[0];
}

/* Read the entries Keyword=<JSON string>; an older keyword counts as today's. */
function sopstatusVerbatim(raw, marks) {
    var parts = sopstatusCut(raw, marks.repetition);
    var kept = {};
    var index, entry;
    for (index = 0; index < parts.length; index++) {
        entry = sopstatusEntry(sopstatusUnescaped(parts[index], marks));
        if (entry && !Object.prototype.hasOwnProperty.call(kept, entry[0])) {
            kept[entry[0]] = entry[1];
        }
    }
    return kept;
}

function sopstatusEntry(text) {
    var older = sopstatusTables().older;
    var match = /^([A-Za-z_][A-Za-z0-9_]*)=("[\s\S]*)$/.exec(text);
    if (!match) {
        return null;
    }
    try {
        return [sopstatusLookUp(older, match[1], match[1]), JSON.parse(match[2])];
    } catch (error) {
        return null;
    }
}
