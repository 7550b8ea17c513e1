/* Write the parts of a holder, AE Title, universal ID and its type, as text: AE Title^ID^type. */
function sopstatusHolder(parts) {
    var made = [];
    var index, part;
    for (index = 0; index < 3; index++) {
        part = (parts[index] || '').replace(/^ +| +$/g, '');
        if (part.indexOf('^') >= 0 || /\\[ES]\\/.test(part)) {
            part = part.replace(/\\/g, '\\E\\').replace(/\^/g, '\\S\\');
        }
        made.push(part);
    }
    return made.join('^').replace(/\^+$/, '');
}

/* Read the text of a holder; a bare AE Title gets the OID that site.toml gives it ([holders]). */
function sopstatusHolderParts(text) {
    var raw = text.split('^');
    var parts = [raw[0], raw[1] || '', raw.slice(2).join('^')];
    var index, oid;
    for (index = 0; index < 3; index++) {
        parts[index] = parts[index].replace(/\\([ES])\\/g, function (found, sign) {
            return sign === 'E' ? '\\' : '^';
        }).replace(/^ +| +$/g, '');
    }
    oid = sopstatusLookUp(sopstatusTables().holders, parts[0], '');
    return parts[1] || !oid ? parts : [parts[0], oid, 'ISO'];
}

/* Return what is equal for two holders that are the same: the universal ID, else the AE Title. */
function sopstatusHolderKey(text) {
    var parts = sopstatusHolderParts(text);
    var id = /^urn:(?:oid|uuid):/i.test(parts[1]) ? parts[1].replace(/^urn:[a-z]+:/i, '') : parts[1];
    var isOID = /^[0-2](\.(0|[1-9][0-9]*))+$/.test(id) && !/^urn:uuid:/i.test(parts[1]);
    var isUUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id) && !/^urn:oid:/i.test(parts[1]);
    if (!parts[1]) {
        return sopstatusHolder([parts[0]]);
    }
    return '^' + (isOID || isUUID ? id.toLowerCase() : parts[1]);
}

/* Return the parts of a holder with those that it lacks taken from another, which is the same. */
function sopstatusHolderCompleted(own, other) {
    var kept = own[1] ? own : other;
    var given = own[1] ? other : own;
    var kind = kept[2] || (kept[1] === given[1] ? given[2] : '');
    return other.join('') ? [own[0] || other[0], kept[1], kind] : own;
}
