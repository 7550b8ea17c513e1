/**
 * The delimiters of a message: MSH-1 and the characters of MSH-2.
 *
 * @param {XML} msg - a message as the engine's own (non-strict) parser gives it
 * @return {Object} field, component, repetition, escape, subcomponent, truncation; '' = has none
 */
function sopstatusMarks(msg) {
    var header = msg['MSH'][0];
    var others = String(header['MSH.2']) || '^~\\&';
    return {
        field: String(header['MSH.1']) || '|',
        component: others.charAt(0),
        repetition: others.charAt(1),
        escape: others.charAt(2),
        subcomponent: others.charAt(3),
        truncation: others.charAt(4)
    };
}

/**
 * Escape text for a field: the engine writes values as they are.
 *
 * @param {String} text - any text
 * @param {XML} msg - the message that it goes into
 * @return {String} null where that needs an escape character and MSH-2 has none
 */
function sopstatusEscape(text, msg) {
    return sopstatusEscaped(text, sopstatusMarks(msg));
}

/**
 * Undo HL7's escape sequences: the engine hands them on as they are.
 *
 * @param {String} text - the text of a component
 * @param {XML} msg - the message that it comes from
 * @return {String} the text; a sequence that is not known stays
 */
function sopstatusUnescape(text, msg) {
    return sopstatusUnescaped(text, sopstatusMarks(msg));
}

function sopstatusEscaped(text, marks) {
    var sign = marks.escape;
    var names = {};
    var made = '';
    var index, character, code;
    if (text === '""') { // as it stands, it would mean "delete"
        return sign ? sign + 'X2222' + sign : null;
    }
    names[marks.truncation] = 'P';
    names[marks.escape] = 'E';
    names[marks.repetition] = 'R';
    names[marks.subcomponent] = 'T';
    names[marks.component] = 'S';
    names[marks.field] = 'F';
    for (index = 0; index < text.length; index++) {
        character = text.charAt(index);
        code = sopstatusLookUp(names, character, '');
        if (/[\x00-\x08\x0a-\x1f\x7f]/.test(character)) {
            code = code || 'X' + sopstatusHex(character.charCodeAt(0), 2).toUpperCase();
        }
        if (code && !sign) {
            return null;
        }
        made += code ? sign + code + sign : character;
    }
    return made;
}

function sopstatusUnescaped(text, marks) {
    var sign = marks.escape;
    var made = '';
    var start = 0;
    var begin, end, plain;
    if (!sign) {
        return text;
    }
    while ((begin = text.indexOf(sign, start)) >= 0) {
        end = text.indexOf(sign, begin + 1);
        plain = end > 0 ? sopstatusSequence(text.substring(begin + 1, end), marks) : null;
        if (plain === null) {
            made += text.substring(start, begin + 1);
            start = begin + 1;
        } else {
            made += text.substring(start, begin) + plain;
            start = end + 1;
        }
    }
    return made + text.substring(start);
}

function sopstatusSequence(name, marks) {
    var names = { E: 'escape', P: 'truncation', F: 'field', S: 'component', T: 'subcomponent', R: 'repetition' };
    if (sopstatusLookUp(names, name, '')) {
        return marks[names[name]] || null;
    }
    if (name === '.br') {
        return '\r\n';
    }
    if (/^X([0-9A-Fa-f]{2})+$/.test(name)) {
        try {
            return decodeURIComponent(name.substring(1).replace(/../g, '%$&'));
        } catch (error) {
            return null; // bytes that are no UTF-8
        }
    }
    return null;
}

function sopstatusLookUp(table, key, otherwise) {
    return Object.prototype.hasOwnProperty.call(table, key) ? table[key] : otherwise;
}

function sopstatusHex(number, digits) {
    var text = number.toString(16);
    while (text.length < digits) {
        text = '0' + text;
    }
    return text;
}

/* Write text as a JSON string in ASCII, so that any character set can carry it. */
function sopstatusJSON(text) {
    var short_ = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\b': '\\b', '\f': '\\f' };
    return '"' + text.replace(/["\\]|[^ -~]/g, function (character) {
        return short_[character] || '\\u' + sopstatusHex(character.charCodeAt(0), 4);
    }) + '"';
}

/* Tell whether XML can hold the text: no half of a surrogate pair, no noncharacter. */
function sopstatusFitsXML(text) {
    return !/[\ufffe\uffff]/.test(text) &&
        !/[\ud800-\udfff]/.test(text.replace(/[\ud800-\udbff][\udc00-\udfff]/g, ''));
}

/* Drop what is padding around a code (PS3.5 table 6.2-1). */
function sopstatusTrimmed(text) {
    return text.replace(/[ \x00]+$/, '').replace(/^ +/, '');
}

/* Read a DICOM DT or HL7 DTM (PS3.5 6.2): digits, fraction, offset; null where it is none. */
function sopstatusDateTime(text) {
    var match = /^([0-9]{4}(?:[0-9]{2}){0,5})(?:\.([0-9]+))?([+-][0-9]{4})?$/.exec(text);
    var days = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    var digits, fraction, offset, year, month, day, minutes;
    if (!match) {
        return null;
    }
    digits = match[1];
    fraction = match[2] || '';
    offset = match[3] || '';
    if (fraction && (digits.length !== 14 || fraction.length > 6)) {
        return null;
    }
    year = Number(digits.substring(0, 4));
    month = Number(digits.substring(4, 6) || 1);
    day = Number(digits.substring(6, 8) || 1);
    if (year % 4 || (year % 100 === 0 && year % 400)) {
        days[1] = 28;
    }
    if (year === 0 || month < 1 || month > 12 || day < 1 || day > days[month - 1] ||
            Number(digits.substring(8, 10)) > 23 || Number(digits.substring(10, 12)) > 59 ||
            Number(digits.substring(12)) > 60) {
        return null;
    }
    if (offset) {
        minutes = Number(offset.substring(1, 3)) * 60 + Number(offset.substring(3));
        if (Number(offset.substring(3)) > 59 || minutes > (offset.charAt(0) === '+' ? 840 : 720)) {
            return null;
        }
    }
    return { digits: digits, fraction: fraction, offset: offset };
}

/* Write a DT as DTM: at most four fraction digits, no leap second; null where it is none. */
function sopstatusDTM(text) {
    var value = sopstatusDateTime(text);
    if (value === null) {
        return null;
    }
    if (value.digits.substring(12) === '60') { // to the minute, which is true
        return value.digits.substring(0, 12) + value.offset;
    }
    return value.digits + (value.fraction ? '.' + value.fraction.substring(0, 4) : '') + value.offset;
}

/* Read a setting of the configuration map (Settings, Configuration Map). */
function sopstatusSetting(key, otherwise) {
    var value = configurationMap.get(key);
    return value === null || value === undefined ? otherwise : String(value);
}

/* Make the line of an issue, as the catalogue has it; no fact is ever text of the message. */
function sopstatusIssue(code, location, facts) {
    var entry = sopstatusTables().issues[code];
    var text = entry[1].replace(/\{(\w+)\}/g, function (whole, name) {
        return String(facts[name]);
    });
    return entry[0] + ' ' + code + ' ' + location + ': ' + text;
}
