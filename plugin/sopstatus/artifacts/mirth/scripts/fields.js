/* Set what differs in the fields of a segment. */
function sopstatusFill(msg, table, fields, statement, said, marks) {
    var tables = sopstatusTables();
    var wanted = statement.attributes;
    var uids = [statement.seriesInstanceUID, statement.sopClassUID, statement.sopInstanceUID];
    var filled = sopstatusKeys(wanted).length > 0;
    var index, held, whole, changed;
    if (filled) {
        if (!fields[1]) {
            sopstatusPut(fields, 1, [sopstatusIdentifier(statement.studyInstanceUID, table, 1, marks), '', 'Application', 'DICOM'].join(marks.component));
        }
        for (index = 0; index < uids.length; index++) {
            if (uids[index] && sopstatusUnpadded(sopstatusFirst(fields, index + 2, marks)) !== uids[index]) {
                sopstatusPut(fields, index + 2, sopstatusIdentifier(uids[index], table, index + 2, marks));
            }
        }
        held = sopstatusHeld(fields, marks);
        whole = sopstatusHolderCompleted(held, sopstatusHolderParts(statement.holder || ''));
        if (sopstatusHolder(whole) !== sopstatusHolder(held)) {
            for (index = 0; index < whole.length; index++) {
                whole[index] = sopstatusIdentifier(whole[index], table, tables.holderField, marks);
            }
            while (whole.length && !whole[whole.length - 1]) {
                whole.pop();
            }
            sopstatusPut(fields, tables.holderField, whole.join(marks.component));
        }
    }
    changed = table.rows.filter(function (one) {
        var value = wanted[one.keyword];
        return said[one.keyword] !== (value === undefined ? value : value || null);
    });
    changed.forEach(function (one) { // first what goes: without a repetition character ZDS-9 has room for one text
        if (said[one.keyword] !== undefined) {
            sopstatusPut(fields, one.field, '');
            sopstatusKeep(table, fields, one.keyword, null, one.aliases, marks);
        }
    });
    if (!filled || !statement.offset) {
        sopstatusKeep(table, fields, tables.offsetKeyword, null, [], marks);
    }
    changed.forEach(function (one) {
        if (wanted[one.keyword] !== undefined) {
            sopstatusPutValue(msg, table, fields, one, wanted[one.keyword] || null, statement.offset, marks);
        }
    });
    if (filled && statement.offset) {
        sopstatusKeep(table, fields, tables.offsetKeyword, statement.offset, [], marks);
    }
}

function sopstatusIdentifier(text, table, number, marks) {
    var escaped = sopstatusEscaped(text, marks);
    if (escaped === null || !sopstatusFitsXML(escaped) || !sopstatusFitsSet(escaped, marks)) {
        throw new Error(sopstatusIssue('hl7/identity-lost', table.name + '-' + number, {}));
    }
    return escaped;
}

function sopstatusPut(fields, number, text) {
    while (fields.length <= number) {
        fields.push('');
    }
    fields[number] = text;
}

/* State a value (null: emptied): its field, and its exact text in ZDS-9 where that is needed.
   offset is that of date-times without one, as (0008,0201) tells it. */
function sopstatusPutValue(msg, table, fields, row, value, offset, marks) {
    var items, texts, exact, made;
    if (value === null) {
        sopstatusPut(fields, row.field, '""');
        sopstatusKeep(table, fields, row.keyword, null, row.aliases, marks);
        return;
    }
    items = sopstatusItems(row, value);
    texts = items.map(function (item) {
        return sopstatusToHL7(row, item);
    });
    exact = texts.indexOf(null) < 0 && sopstatusFromHL7(row, texts) === value;
    if (row.vr === 'DT' && exact && !offset && sopstatusIsLocal(msg, value, marks)) {
        exact = false; // read again, it would be local to MSH-7; the exact text says that it is not
    }
    texts = texts.map(function (text) {
        return text === null ? null : sopstatusFitting(table, row, text, marks);
    });
    made = texts.map(function (escaped, index) {
        return escaped ? sopstatusFieldText(row, escaped, items[index], marks) : '';
    });
    if (made.length > 1 && !marks.repetition) {
        throw new Error(sopstatusIssue('hl7/no-repetition', table.name + '-' + row.field, { keyword: row.keyword }));
    }
    sopstatusPut(fields, row.field, made.some(Boolean) ? made.join(marks.repetition) : '');
    exact = exact && texts.indexOf(null) < 0 && made.some(Boolean);
    sopstatusKeep(table, fields, row.keyword, exact ? null : value, row.aliases, marks);
}

/* Return the escaped text of one value; null where the message cannot hold it. */
function sopstatusFitting(table, row, text, marks) {
    var escaped = sopstatusEscaped(text, marks);
    if (escaped === null || !sopstatusFitsXML(escaped) || (!marks.escape && /^[ \t]|[ \t]$/.test(escaped))) {
        return null; // E4X drops blanks that are not escaped
    }
    if (!sopstatusFitsSet(escaped, marks)) { // the receiver would see question marks
        logger.warn(sopstatusIssue('hl7/charset', table.name + '-' + row.field, {
            keyword: row.keyword,
            charset: marks.sets[0] || 'ASCII (MSH-18 is empty)'
        }));
        return null;
    }
    return escaped;
}

/* Return the components of one value: of a coded one its code, text and coding system. */
function sopstatusFieldText(row, escaped, item, marks) {
    var display = sopstatusLookUp(row.displays, sopstatusTrimmed(item), '');
    var parts = [escaped, sopstatusFitsSet(display, marks) && sopstatusEscaped(display, marks) || '', row.system];
    while (!parts[parts.length - 1]) {
        parts.pop();
    }
    return row.coded ? parts.join(marks.component) : escaped;
}

function sopstatusIsLocal(msg, value, marks) {
    var sent = msg['MSH'][0]['MSH.7'];
    sent = sent.length() ? sopstatusText(sent[0], [marks.component, marks.subcomponent || '&'], marks) : '';
    sent = sopstatusDateTime(sent.split(marks.component)[0]);
    return Boolean(sopstatusHasLocal(value) && sent && sent.offset);
}

/* Set, or with null remove, the exact text of a keyword; other entries stay. */
function sopstatusKeep(table, fields, keyword, value, older, marks) {
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
            throw new Error(sopstatusIssue('hl7/no-repetition', table.name + '-' + number, { keyword: keyword }));
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
