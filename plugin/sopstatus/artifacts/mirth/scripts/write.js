/**
 * Write a statement into the message: the ZDS of the same identity is changed, or a new one added.
 *
 * What is not ours stays as it is, and fields are set in the order of their numbers. A statement
 * without attributes removes the one that is there. Throws an Error with the line of an issue where
 * the message cannot take the statement.
 *
 * @param {XML} msg - a message as the engine's own (non-strict) parser gives it; it is changed
 * @param {Object} statement - as sopstatusRead() returns them
 * @return {XML} msg
 */
function sopstatusWrite(msg, statement) {
    var marks = sopstatusMarks(msg);
    var found = sopstatusSame(sopstatusFind(msg), statement);
    var index;
    if (found.length) {
        for (index = found.length - 1; index >= 0; index--) { // from behind: a segment may go
            sopstatusReplace(msg, found[index], statement, marks);
        }
    } else if (sopstatusKeys(statement.attributes).length) {
        sopstatusAdd(msg, statement, marks);
    }
    return msg;
}

function sopstatusKeys(attributes) {
    var keys = [];
    var key;
    for (key in attributes) {
        if (Object.prototype.hasOwnProperty.call(attributes, key) && attributes[key] !== undefined) {
            keys.push(key);
        }
    }
    return keys;
}

/* Return the segments that speak of the same; one that says nothing, only if no other does. */
function sopstatusSame(found, statement) {
    var saying = [];
    var silent = [];
    var index, old;
    for (index = 0; index < found.length; index++) {
        old = found[index].statement;
        if (sopstatusIsSame(old, statement)) {
            (sopstatusKeys(old.attributes).length ? saying : silent).push(found[index]);
        }
    }
    return saying.length ? saying : silent.slice(0, 1);
}

function sopstatusIsSame(old, statement) {
    // a SOP Instance UID is unique in the world: the other UIDs may be unknown on one side
    function agree(key) {
        var a = old[key] || '';
        var b = statement[key] || '';
        return a === b || (Boolean(statement.sopInstanceUID) && (!a || !b));
    }
    return (old.holder || '') === (statement.holder || '') &&
        (old.sopInstanceUID || '') === (statement.sopInstanceUID || '') &&
        agree('studyInstanceUID') && agree('seriesInstanceUID');
}

function sopstatusSays(old, unread, statement) {
    var keys = sopstatusKeys(statement.attributes);
    var index;
    if (keys.length !== sopstatusKeys(old.attributes).length) {
        return false;
    }
    for (index = 0; index < keys.length; index++) {
        if (unread[keys[index]] || old.attributes[keys[index]] !== (statement.attributes[keys[index]] || null)) {
            return false;
        }
    }
    return true;
}

/* Make one segment say the statement; leave it as it stands where it does already. */
function sopstatusReplace(msg, found, statement, marks) {
    var tables = sopstatusTables();
    var old = found.statement;
    var same = !statement.sopClassUID || statement.sopClassUID === old.sopClassUID;
    var segment = msg[tables.segment][found.index];
    var fields = found.fields.slice();
    if (same && sopstatusSays(old, found.unread, statement)) {
        return;
    }
    sopstatusFill(msg, fields, statement, old.attributes, marks);
    if (!sopstatusKeys(statement.attributes).length) {
        if (fields.length > tables.holderField) {
            fields[tables.holderField] = '';
        }
        if ((statement.seriesInstanceUID || statement.sopInstanceUID) && !fields.slice(5).join('')) {
            delete msg[tables.segment][found.index];
            return;
        }
    }
    msg.insertChildAfter(segment, new XML(sopstatusRewritten(segment, found.fields, fields, marks)));
    delete msg[tables.segment][found.index];
}

function sopstatusAdd(msg, statement, marks) {
    var tables = sopstatusTables();
    var name = tables.segment;
    var fields = [name];
    var order, bare;
    if (!sopstatusIsUID(statement.studyInstanceUID || '')) {
        throw new Error(sopstatusIssue('hl7/no-study-uid', name, {}));
    }
    order = sopstatusOrder(msg, statement.studyInstanceUID, marks);
    if (order.one && (statement.seriesInstanceUID || statement.sopInstanceUID)) {
        throw new Error(sopstatusIssue('hl7/not-for-the-study', name, { count: 1 }));
    }
    bare = sopstatusBare(sopstatusFind(msg), statement, order);
    if (bare) {
        sopstatusReplace(msg, bare, statement, marks);
        return;
    }
    if (order.one && (order.ours || order.otherStudy)) {
        throw new Error(sopstatusIssue('hl7/one-per-order', name, { kind: order.kind }));
    }
    sopstatusFill(msg, fields, statement, {}, marks);
    msg.insertChildAfter(order.anchor, new XML(sopstatusRewritten(null, [name], fields, marks)));
}

/* Return the ZDS of IHE that names the study and says no more: it takes what is said of the study. */
function sopstatusBare(found, statement, order) {
    var index, old;
    if (statement.seriesInstanceUID || statement.sopInstanceUID) {
        return null;
    }
    for (index = 0; index < found.length; index++) {
        old = found[index].statement;
        if (old.studyInstanceUID === statement.studyInstanceUID && !old.seriesInstanceUID &&
                !old.sopInstanceUID && !old.holder && !sopstatusKeys(old.attributes).length &&
                !sopstatusKeys(found[index].unread).length &&
                (!order.one || order.numbers[found[index].index])) {
            return found[index];
        }
    }
    return null;
}

/* Set what differs in the fields of a segment. */
function sopstatusFill(msg, fields, statement, said, marks) {
    var tables = sopstatusTables();
    var wanted = statement.attributes;
    var uids = [statement.seriesInstanceUID, statement.sopClassUID, statement.sopInstanceUID];
    var filled = sopstatusKeys(wanted).length > 0;
    var index, row;
    if (filled) {
        if (!fields[1]) {
            sopstatusPut(fields, 1, [sopstatusIdentifier(statement.studyInstanceUID, 1, marks), '', 'Application', 'DICOM'].join(marks.component));
        }
        for (index = 0; index < uids.length; index++) {
            if (uids[index] && sopstatusFirst(fields, index + 2, marks) !== uids[index]) {
                sopstatusPut(fields, index + 2, sopstatusIdentifier(uids[index], index + 2, marks));
            }
        }
        if (statement.holder && sopstatusFirst(fields, tables.holderField, marks) !== statement.holder) {
            sopstatusPut(fields, tables.holderField, sopstatusIdentifier(statement.holder, tables.holderField, marks));
        }
    }
    for (index = 0; index < tables.rows.length; index++) {
        row = tables.rows[index];
        if (wanted[row.keyword] !== undefined) {
            if ((wanted[row.keyword] || null) !== said[row.keyword]) {
                sopstatusPutValue(msg, fields, row, wanted[row.keyword] || null, marks);
            }
        } else if (said[row.keyword] !== undefined) {
            sopstatusPut(fields, row.field, '');
            sopstatusKeep(fields, row.keyword, null, row.aliases, marks);
        }
    }
    sopstatusKeep(fields, tables.offsetKeyword, filled ? statement.offset : null, [], marks);
}

function sopstatusIdentifier(text, number, marks) {
    var escaped = sopstatusEscaped(text, marks);
    if (escaped === null || !sopstatusFitsXML(escaped)) {
        throw new Error(sopstatusIssue('hl7/identity-lost', sopstatusTables().segment + '-' + number, {}));
    }
    return escaped;
}

function sopstatusPut(fields, number, text) {
    while (fields.length <= number) {
        fields.push('');
    }
    fields[number] = text;
}

/* State a value (null: emptied): its field, and its exact text in ZDS-9 where that is needed. */
function sopstatusPutValue(msg, fields, row, value, marks) {
    var text, exact, escaped, display;
    if (value === null) {
        sopstatusPut(fields, row.field, '""');
        sopstatusKeep(fields, row.keyword, null, row.aliases, marks);
        return;
    }
    text = sopstatusToHL7(row, value);
    exact = text !== null && sopstatusFromHL7(row, text) === value;
    if (row.vr === 'DT' && exact && sopstatusIsLocal(msg, value, marks)) {
        exact = false; // read again, it would be local to MSH-7; the exact text says that it is not
    }
    escaped = text === null ? null : sopstatusEscaped(text, marks);
    if (escaped !== null && (!sopstatusFitsXML(escaped) || (!marks.escape && /^[ \t]|[ \t]$/.test(escaped)))) {
        escaped = null; // E4X drops blanks that are not escaped
    }
    if (escaped === null) {
        sopstatusPut(fields, row.field, '');
    } else if (row.coded) {
        display = sopstatusLookUp(row.displays, sopstatusTrimmed(value), '');
        text = [escaped, sopstatusEscaped(display, marks) || '', row.system].join(marks.component);
        while (text.charAt(text.length - 1) === marks.component) {
            text = text.substring(0, text.length - 1);
        }
        sopstatusPut(fields, row.field, text);
    } else {
        sopstatusPut(fields, row.field, escaped);
    }
    sopstatusKeep(fields, row.keyword, exact && escaped !== null ? null : value, row.aliases, marks);
}

function sopstatusIsLocal(msg, value, marks) {
    var sent = msg['MSH'][0]['MSH.7'];
    var read = sopstatusDateTime(value);
    sent = sent.length() ? sopstatusText(sent[0], [marks.component, marks.subcomponent || '&'], marks) : '';
    sent = sopstatusDateTime(sent.split(marks.component)[0]);
    return Boolean(read && read.digits.length === 14 && !read.offset && sent && sent.offset);
}

/* Set, or with null remove, the exact text of a keyword; other entries stay. */
function sopstatusKeep(fields, keyword, value, older, marks) {
    var number = sopstatusTables().verbatimField;
    var raw = fields[number] || '';
    var parts = sopstatusCut(raw, marks.repetition);
    var kept = [];
    var index, entry, text;
    for (index = 0; index < parts.length; index++) {
        entry = /^([A-Za-z_][A-Za-z0-9_]*)=/.exec(sopstatusUnescaped(parts[index], marks));
        if (entry && (entry[1] === keyword || older.indexOf(entry[1]) >= 0) &&
                sopstatusEntry(sopstatusUnescaped(parts[index], marks))) {
            continue;
        }
        if (parts[index]) {
            kept.push(parts[index]);
        }
    }
    if (value) {
        if (kept.length && !marks.repetition) {
            throw new Error(sopstatusIssue('hl7/no-repetition', 'ZDS-' + number, { keyword: keyword }));
        }
        text = keyword + '=' + sopstatusJSON(value);
        entry = sopstatusEscaped(text, marks);
        kept.push(entry === null ? sopstatusWithoutEscape(text, marks) : entry);
    }
    text = kept.join(marks.repetition);
    if (text !== raw) {
        sopstatusPut(fields, number, text);
    }
}

/* Without an escape character, JSON can still say every delimiter. */
function sopstatusWithoutEscape(text, marks) {
    var special = marks.field + marks.component + marks.repetition + marks.subcomponent + marks.truncation;
    return text.replace(/[\s\S]/g, function (character) {
        return special.indexOf(character) < 0 ? character : '\\u' + sopstatusHex(character.charCodeAt(0), 4);
    });
}

/* Return the XML of a segment: fields that did not change keep their elements, in order. */
function sopstatusRewritten(segment, before, after, marks) {
    var name = after[0];
    var kept = '';
    var made = '';
    var nodes, number, index;
    for (number = 1; number < Math.max(before.length, after.length); number++) {
        nodes = segment ? segment[name + '.' + number] : null;
        if (segment && (before[number] || '') === (after[number] || '')) {
            for (index = 0; index < nodes.length(); index++) {
                made += nodes[index].toXMLString();
            }
        } else {
            made += sopstatusElements(name + '.' + number, after[number] || '', marks);
        }
    }
    if (segment) {
        nodes = segment.elements();
        for (index = 0; index < nodes.length(); index++) {
            kept += sopstatusNumber(nodes[index], name) ? '' : nodes[index].toXMLString();
        }
    }
    return '<' + name + '>' + made + kept + '</' + name + '>';
}

function sopstatusElements(name, text, marks) {
    var parts = sopstatusCut(text, marks.repetition);
    var made = '';
    var index;
    for (index = 0; index < parts.length; index++) {
        made += sopstatusElement(name, parts[index], [marks.component, marks.subcomponent], marks.escape);
    }
    return made;
}

function sopstatusElement(name, text, below, sign) {
    var parts, index, inner;
    if (!text) {
        return '<' + name + '/>';
    }
    parts = below.length ? sopstatusCut(text, below[0]) : [text];
    if (!below.length || (parts.length === 1 && below.length === 1)) {
        return '<' + name + '>' + sopstatusLeaf(text, sign) + '</' + name + '>';
    }
    inner = '';
    for (index = 0; index < parts.length; index++) {
        inner += sopstatusElement(name + '.' + (index + 1), parts[index], below.slice(1), sign);
    }
    return '<' + name + '>' + inner + '</' + name + '>';
}

/* Write text for XML; blanks at its ends are escaped, for E4X drops them. */
function sopstatusLeaf(text, sign) {
    function hexadecimal(blanks) {
        return blanks.replace(/[\s\S]/g, function (blank) {
            return sign + 'X' + sopstatusHex(blank.charCodeAt(0), 2).toUpperCase() + sign;
        });
    }
    if (sign) {
        text = text.replace(/^[ \t]+/, hexadecimal).replace(/[ \t]+$/, hexadecimal);
    }
    return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}
