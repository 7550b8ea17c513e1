/**
 * The delimiters of a message: MSH-1 and the characters of MSH-2.
 *
 * @param {XML} msg - a message as the engine's own (non-strict) parser gives it
 * @return {Object} field, component, repetition, escape, subcomponent, truncation; '' = has none;
 *     sets: the names in MSH-18
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
        truncation: others.charAt(4),
        sets: sopstatusSets(header, others.charAt(0))
    };
}

/* List the names of character sets in MSH-18, one a repetition. */
function sopstatusSets(header, component) {
    var nodes = header['MSH.18'];
    var names = [];
    var index, text;
    for (index = 0; index < nodes.length(); index++) {
        text = nodes[index].elements().length() ? String(nodes[index].elements()[0]) : String(nodes[index]);
        names.push(text.split(component)[0].replace(/^\s+|\s+$/g, '').toUpperCase());
    }
    return names;
}

/* Tell whether the character set that MSH-18 names has these characters; without one it is ASCII. */
function sopstatusFitsSet(text, marks) {
    var sets = sopstatusTables().characterSets;
    var name = marks.sets[0] || '';
    var charset = Packages.java.nio.charset.Charset;
    var index;
    if (/^[\x00-\x7f]*$/.test(text)) {
        return true;
    }
    for (index = marks.sets.length - 1; index > 0; index--) { // a Japanese one behind the first holds
        name = /^ISO IR(87|159)$/.test(marks.sets[index]) ? marks.sets[index] : name;
    }
    name = sopstatusLookUp(sets, name.replace(/[^A-Z0-9]/g, ''), 'us-ascii');
    return charset.isSupported(name) && charset.forName(name).canEncode() &&
        Boolean(charset.forName(name).newEncoder().canEncode(text));
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
    var run = []; // neighbouring hexadecimal escapes: their bytes, written %XX
    var start = 0;
    var begin, end, name, bytes, plain;
    if (!sign) {
        return text;
    }
    while ((begin = text.indexOf(sign, start)) >= 0) {
        end = text.indexOf(sign, begin + 1);
        name = end > 0 ? text.substring(begin + 1, end) : '';
        bytes = sopstatusHexadecimal(name);
        if (run.length && (begin > start || bytes === null)) {
            made += sopstatusDecoded(run);
            run = [];
        }
        if (bytes !== null) {
            made += text.substring(start, begin);
            run.push([text.substring(begin, end + 1), bytes]);
            start = end + 1;
            continue;
        }
        plain = sopstatusSequence(name, marks);
        if (plain === null) {
            made += text.substring(start, begin + 1);
            start = begin + 1;
        } else {
            made += text.substring(start, begin) + plain;
            start = end + 1;
        }
    }
    return made + sopstatusDecoded(run) + text.substring(start);
}

function sopstatusHexadecimal(name) {
    var ends = { X000D: '%0D', X000A: '%0A' }; // as HAPI, NHapi and Camel write them
    var end = sopstatusLookUp(ends, name.toUpperCase(), null);
    if (end !== null) {
        return end;
    }
    return /^X([0-9A-Fa-f]{2})+$/.test(name) ? name.substring(1).replace(/../g, '%$&') : null;
}

/* Decode neighbours as one text, or each by itself; bytes that are no UTF-8 stay as they stand. */
function sopstatusDecoded(run) {
    var bytes = '';
    var made = '';
    var index;
    for (index = 0; index < run.length; index++) {
        bytes += run[index][1];
    }
    try {
        return decodeURIComponent(bytes);
    } catch (error) {
        for (index = 0; index < run.length; index++) {
            made += run.length === 1 ? run[0][0] : sopstatusDecoded([run[index]]);
        }
        return made;
    }
}

function sopstatusSequence(name, marks) {
    var names = { E: 'escape', P: 'truncation', F: 'field', S: 'component', T: 'subcomponent', R: 'repetition' };
    if (sopstatusLookUp(names, name, '')) {
        return marks[names[name]] || null;
    }
    return sopstatusLayout(name);
}

/* Read lines and blanks of layout (HL7 v2 2.7.6), and drop the rest of it. */
function sopstatusLayout(name) {
    var found = /^\.(?:(br|ce|fi|nf)|(sp|sk) ?\+?([0-9]{0,2})|(in|ti) ?[+-]?[0-9]{0,2})$/.exec(name.toLowerCase());
    var one, count;
    if (name === 'H' || name === 'N') { // highlighting
        return '';
    }
    if (!found) {
        return null;
    }
    one = { br: '\r\n', ce: '\r\n', sp: '\r\n', sk: ' ' };
    one = sopstatusLookUp(one, found[1] || found[2] || found[4], '');
    count = Math.min(found[3] ? Number(found[3]) : 1, 9);
    return new Array(count + 1).join(one);
}

function sopstatusLookUp(table, key, otherwise) {
    return Object.prototype.hasOwnProperty.call(table, key) ? table[key] : otherwise;
}

/* List the names that have a value. */
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
    return sopstatusUnpadded(text).replace(/^ +/, '');
}

/* Drop what is padding behind a UID or a time. */
function sopstatusUnpadded(text) {
    return text.replace(/[ \x00]+$/, '');
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

/* Stop the message with the line of an issue; where a site wants that, log the line and go on. */
function sopstatusStop(line, status) {
    if (sopstatusSetting('sopstatus.errors', 'stop') !== 'log') {
        throw sopstatusFault(line, status);
    }
    logger.error(line);
}

/* Make the error of an answer; status 0: there was none. */
function sopstatusFault(line, status) {
    var fault = new Error(line);
    fault.status = status;
    return fault;
}

/* Stop a message that the listener did not read in its own character set: U+FFFD stands for what is lost. */
function sopstatusCheckDecoded(msg) {
    var segments = msg.elements();
    var index;
    for (index = 0; index < segments.length(); index++) {
        if (segments[index].toXMLString().indexOf('\ufffd') >= 0) {
            throw sopstatusFault(sopstatusIssue('hl7/undecodable', segments[index].localName(), {
                charset: 'the listener has another one'
            }), 400);
        }
    }
}

/* Make the line of an issue, as the catalogue has it; no fact is ever text of the message. */
function sopstatusIssue(code, location, facts) {
    var entry = sopstatusTables().issues[code];
    var text = entry[1].replace(/\{(\w+)\}/g, function (whole, name) {
        return String(facts[name]);
    });
    return entry[0] + ' ' + code + ' ' + location + ': ' + text;
}
