/* List the values of a text: one, or as many as backslashes part (PS3.5 6.4). */
function sopstatusItems(row, text) {
    return row.vm === '1' ? [text] : text.split('\\');
}

/* Tell whether a VM, such as 2, 1-n or 2-2n, allows so many values. */
function sopstatusAllows(vm, count) {
    var ends = vm.split('-');
    var least = Number(ends[0]);
    if (ends.length === 1) {
        return count === least;
    }
    if (ends[1].indexOf('n') < 0) {
        return count >= least && count <= Number(ends[1]);
    }
    return count >= least && count % (parseInt(ends[1], 10) || 1) === 0;
}

/* Write one value as the text of a field (of a coded one: the code); null where it has no form. */
function sopstatusToHL7(row, text) {
    var term;
    if (row.vr === 'CS') {
        term = sopstatusTrimmed(text);
        if (Object.prototype.hasOwnProperty.call(row.to, term)) {
            return row.to[term];
        }
        return !row.closed && /^[A-Z0-9 _]{1,16}$/.test(term) && sopstatusLookUp(row.from, term, null) === null ? term : null;
    }
    if (!text) {
        return '';
    }
    if (row.vr === 'DT') {
        return sopstatusDTM(text);
    }
    if (row.datatype === 'DT') {
        return sopstatusIsDate(text) ? text : null;
    }
    if (row.datatype === 'TM') { // at most four fraction digits, no leap second
        return !sopstatusIsTime(text) ? null : text.substring(4, 6) === '60' ? text.substring(0, 4) : text.substring(0, 11);
    }
    return row.datatype === 'NM' ? sopstatusNM(text) : text;
}

/* Read the texts of a field, one a value; null where the VR cannot say one. */
function sopstatusFromHL7(row, texts) {
    var made = [];
    var index, text;
    for (index = 0; index < texts.length; index++) {
        text = texts[index];
        if (row.vr === 'CS') {
            text = sopstatusTrimmed(text);
            text = sopstatusLookUp(row.from, text, text);
        } else if (text && ((row.datatype === 'NM' && !sopstatusIsNumber(text)) ||
                (row.datatype === 'DT' && !sopstatusIsDate(text)) || (row.datatype === 'TM' && !sopstatusIsTime(text)))) {
            return null;
        }
        made.push(sopstatusSpelling(row.vr, text));
    }
    return made.join('\\');
}

function sopstatusIsDate(text) {
    return /^[0-9]{8}$/.test(text) && sopstatusDateTime(text) !== null;
}

function sopstatusIsTime(text) {
    return /^(?:[01][0-9]|2[0-3])(?:[0-5][0-9](?:(?:[0-5][0-9]|60)(?:\.[0-9]{1,6})?)?)?$/.test(text);
}

function sopstatusIsNumber(text) {
    return /^[+\-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+\-]?[0-9]+)?$/.test(text);
}

/* Tell whether a text is local to an offset from UTC: one of its date-times has a time and no offset. */
function sopstatusHasLocal(text) {
    return text.split('\\').some(function (one) {
        var read = sopstatusDateTime(one);
        return read !== null && read.digits.length === 14 && !read.offset;
    });
}

/* Return a number digit for digit; Rhino's own numbers have 64 bits. null: it is none, or too long. */
function sopstatusDecimal(text) {
    try {
        return new Packages.java.math.BigDecimal(text);
    } catch (error) {
        return null;
    }
}

/* Return how many digits a number has before its point, less one. */
function sopstatusMagnitude(decimal) {
    return Number(decimal.precision()) - Number(decimal.scale()) - 1;
}

/* Write a number as NM: as it stands, or without its exponent, if that has at most 16 characters. */
function sopstatusNM(text) {
    var decimal, plain;
    if (!sopstatusIsNumber(text) || !/[eE]/.test(text)) {
        return sopstatusIsNumber(text) ? text : null;
    }
    decimal = sopstatusDecimal(text);
    if (decimal === null || Math.abs(sopstatusMagnitude(decimal)) > 16) {
        return null;
    }
    plain = String(decimal.toPlainString());
    plain = text.charAt(0) === '-' && plain.charAt(0) !== '-' ? '-' + plain : plain; // Java has no -0
    return plain.length <= 16 ? plain : null;
}

/* Return the one spelling of a number of a VR that stands as bytes; any other text as it is. */
function sopstatusSpelling(vr, text) {
    var decimal, kept, made;
    if (!/^(?:FL|FD|SL|SS|UL|US)$/.test(vr) || !sopstatusIsNumber(text)) {
        return text;
    }
    decimal = sopstatusDecimal(text);
    if (decimal === null) {
        return text;
    }
    if (vr.charAt(0) !== 'F') {
        made = sopstatusMagnitude(decimal); // asked first: 1e-99999999 takes minutes to count out
        if (made >= 10 || decimal.signum() === 0) {
            return made >= 10 ? text : '0';
        }
        kept = made < 0 ? null : decimal.toBigInteger();
        return kept && decimal.compareTo(new Packages.java.math.BigDecimal(kept)) === 0 ? String(kept.toString()) : text;
    }
    kept = sopstatusFloat(vr, text);
    if (!isFinite(kept)) {
        return text;
    }
    made = sopstatusPrinted(vr, kept);
    // so others print it: with as many digits as tell it from its neighbours, or with all
    return [sopstatusDecimal(made), sopstatusExactly(kept), sopstatusDecimal(sopstatusPrinted('FD', kept)),
        sopstatusRounded(kept, vr === 'FD' ? 17 : 9, 'HALF_EVEN')].some(function (one) {
        return decimal.compareTo(one) === 0;
    }) ? made : text;
}

/* Return the number that an FL or FD holds of a text. */
function sopstatusFloat(vr, text) {
    var number = Number(Packages.java.lang.Double.parseDouble(text));
    return vr === 'FD' ? number : sopstatusSingle(number);
}

function sopstatusSingle(number) {
    return Number(new Packages.java.lang.Double(number).floatValue());
}

function sopstatusExactly(number) {
    return new Packages.java.math.BigDecimal(new Packages.java.lang.Double(number).doubleValue());
}

function sopstatusRounded(number, digits, mode) {
    return sopstatusExactly(number).round(new Packages.java.math.MathContext(digits, Packages.java.math.RoundingMode[mode]));
}

/* Return the decimal of the fewest digits that is read as this number; above a power of two, more of them are. */
function sopstatusNearest(number, least, most, read, modes) {
    var decimal = null;
    function tried(mode) {
        decimal = sopstatusRounded(number, least, mode);
        return read(Number(decimal.doubleValue())) === number;
    }
    while (!modes.some(tried) && least < most) {
        least += 1;
    }
    return decimal;
}

/* Print an FL or FD with as few digits as tell it from its neighbours, as Python and pydicom do. */
function sopstatusPrinted(vr, number) {
    var digits, decimal, exponent;
    if (number === 0) {
        return 1 / number < 0 ? '-0.0' : '0.0';
    }
    if (vr === 'FL') {
        number = Number(sopstatusNearest(number, 6, 9, sopstatusSingle, ['HALF_EVEN']).doubleValue());
    }
    // of 15 digits each is kept, but of the least numbers
    decimal = sopstatusNearest(number, Math.abs(number) < 2.3e-308 ? 1 : 15, 17, Number, ['HALF_EVEN', 'UP']).abs().stripTrailingZeros();
    exponent = sopstatusMagnitude(decimal);
    digits = String(decimal.unscaledValue().toString());
    if (exponent >= 16 || exponent < -4) {
        digits = digits.charAt(0) + (digits.length > 1 ? '.' + digits.substring(1) : '') + 'e' + (exponent < 0 ? '-' : '+') +
            (Math.abs(exponent) < 10 ? '0' : '') + Math.abs(exponent);
    } else {
        digits = String(decimal.toPlainString());
        digits += digits.indexOf('.') < 0 ? '.0' : '';
    }
    return (number < 0 ? '-' : '') + digits;
}

/* Tell whether one value is of its VR, where that is a matter of form (PS3.5 6.2). */
function sopstatusIsLegal(vr, text) {
    var forms = { AS: /^[0-9]{3}[DWMY]$/, IS: /^[+\-]?[0-9]{1,12}$/ };
    var checks = { DA: sopstatusIsDate, TM: sopstatusIsTime, UI: sopstatusIsUID, UR: sopstatusIsURI, DS: sopstatusIsNumber };
    var ends = { US: [0, 65535], UL: [0, 4294967295], SS: [-32768, 32767], SL: [-2147483648, 2147483647] };
    if (forms[vr]) {
        return forms[vr].test(text);
    }
    if (ends[vr]) {
        return /^(?:0|-?[1-9][0-9]{0,9})$/.test(text) && Number(text) >= ends[vr][0] && Number(text) <= ends[vr][1];
    }
    if (vr === 'FL' || vr === 'FD') {
        return sopstatusIsNumber(text) && isFinite(sopstatusFloat(vr, text)) &&
            text === sopstatusPrinted(vr, sopstatusFloat(vr, text));
    }
    return checks[vr] ? checks[vr](text) : true;
}

function sopstatusIsURI(text) {
    text = text.replace(/ +$/, '');
    return text !== '' && !/[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/.test(text);
}

/* Drop what is padding in a value of this VR (PS3.5 table 6.2-1). */
function sopstatusUnpaddedAs(vr, text) {
    return /^(?:AE|CS|DS|IS|LO|SH)$/.test(vr) ? sopstatusTrimmed(text) : sopstatusUnpadded(text);
}
