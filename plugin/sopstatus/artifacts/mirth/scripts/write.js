/**
 * Write a statement into the message: our segment of the same identity is changed, or a new one
 * added; attributes that the tables give to segments of several names go into one of each.
 *
 * What is not ours stays as it is, and fields are set in the order of their numbers. A statement
 * without attributes removes the one that is there. Throws an Error with the line of an issue where
 * the message cannot take the statement; logs that of an attribute that no field carries.
 *
 * @param {XML} msg - a message as the engine's own (non-strict) parser gives it; it is changed
 * @param {Object} statement - as sopstatusRead() returns them
 * @return {XML} msg
 */
function sopstatusWrite(msg, statement) {
    var tables = sopstatusTables();
    tables.others.forEach(function (row) {
        if (statement.attributes[row.keyword] !== undefined) {
            logger.warn(sopstatusIssue('hl7/not-carried', '-', { keyword: row.keyword, reason: 'its row has no hl7' }));
        }
    });
    tables.segments.forEach(function (table) {
        sopstatusWriteIn(msg, table, sopstatusRestricted(statement, table));
    });
    return msg;
}

/* Return what a statement says in the segments of one name. */
function sopstatusRestricted(statement, table) {
    var kept = {};
    var isLocal = false;
    table.rows.forEach(function (row) {
        var value = statement.attributes[row.keyword];
        if (value !== undefined) {
            kept[row.keyword] = value;
            isLocal = isLocal || (row.vr === 'DT' && sopstatusHasLocal(value || ''));
        }
    });
    return {
        studyInstanceUID: statement.studyInstanceUID,
        seriesInstanceUID: statement.seriesInstanceUID,
        sopClassUID: statement.sopClassUID,
        sopInstanceUID: statement.sopInstanceUID,
        holder: statement.holder,
        attributes: kept,
        offset: isLocal ? statement.offset : ''
    };
}

function sopstatusWriteIn(msg, table, statement) {
    var marks = sopstatusMarks(msg);
    var found = sopstatusSame(sopstatusFindIn(msg, table), statement);
    var index;
    if (found.length) {
        for (index = found.length - 1; index >= 0; index--) { // from behind: a segment may go
            if (found[index].isTakenBack && sopstatusKeys(statement.attributes).length) {
                throw new Error(sopstatusIssue('hl7/withdrawn', table.name, { segment: table.name }));
            }
            sopstatusReplace(msg, found[index], statement, marks);
        }
    } else if (sopstatusKeys(statement.attributes).length) {
        sopstatusAdd(msg, table, statement, marks);
    }
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
    return sopstatusHolderKey(old.holder || '') === sopstatusHolderKey(statement.holder || '') &&
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
    var name = found.table.name;
    var segment = msg[name][found.index];
    var fields = found.fields.slice();
    if (same && sopstatusSays(old, found.unread, statement)) {
        return;
    }
    sopstatusFill(msg, found.table, fields, statement, old.attributes, marks);
    if (!sopstatusKeys(statement.attributes).length) {
        if (fields.length > tables.holderField) {
            fields[tables.holderField] = '';
        }
        if ((statement.seriesInstanceUID || statement.sopInstanceUID) && !fields.slice(5).join('')) {
            delete msg[name][found.index];
            return;
        }
    }
    msg.insertChildAfter(segment, new XML(sopstatusRewritten(segment, found.fields, fields, marks)));
    delete msg[name][found.index];
}

function sopstatusAdd(msg, table, statement, marks) {
    var name = table.name;
    var fields = [name];
    var order, bare;
    if (!sopstatusIsUID(statement.studyInstanceUID || '')) {
        throw new Error(sopstatusIssue('hl7/no-study-uid', name, {}));
    }
    order = sopstatusOrder(msg, name, statement.studyInstanceUID, marks);
    if (sopstatusTakenBack(msg, marks)(order.span[1] - 1, statement.studyInstanceUID)) {
        throw new Error(sopstatusIssue('hl7/withdrawn', name, { segment: name }));
    }
    if (order.one && (statement.seriesInstanceUID || statement.sopInstanceUID)) {
        throw new Error(sopstatusIssue('hl7/not-for-the-study', name, { count: 1 }));
    }
    bare = sopstatusBare(sopstatusFindIn(msg, table), statement, order);
    if (bare) {
        sopstatusReplace(msg, bare, statement, marks);
        return;
    }
    if (order.one && (order.ours || order.otherStudy)) {
        throw new Error(sopstatusIssue('hl7/one-per-order', name, { kind: order.kind }));
    }
    if (name === 'ZDS' && msg['IPC'].length()) { // dcm4chee takes both, and the later one replaces
        throw new Error(sopstatusIssue('hl7/ipc', name, { segment: name }));
    }
    sopstatusFill(msg, table, fields, statement, {}, marks);
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
