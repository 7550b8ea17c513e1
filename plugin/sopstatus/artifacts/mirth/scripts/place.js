/*
 * Find where a statement about a study belongs: the order that names the study (OBX 113014, IPC-3,
 * ZDS-1), else the last one; and in it the last segment of the group that a ZDS qualifies. Order
 * messages (ORM, OMG) take one ZDS an order, about the whole study, as IHE's readers expect.
 * own is the name of the segment that goes there.
 */
function sopstatusOrder(msg, own, study, marks) {
    var kinds = {
        ORM: ['ORC', 'OBR', 'NTE'],
        OMG: ['ORC', 'TQ1', 'TQ2', 'OBR', 'NTE'],
        OMI: ['ORC', 'TQ1', 'TQ2', 'OBR', 'NTE', 'CTD', 'OBX', 'IPC'],
        MDM: ['TXA', 'CON', 'OBX', 'NTE']
    };
    var segments = msg.elements();
    var kind = sopstatusKind(msg, marks);
    var one = kind === 'ORM' || kind === 'OMG';
    var spans = sopstatusSpans(segments, kind);
    var chosen = null;
    var index, order;
    for (index = 0; index < spans.length; index++) {
        order = sopstatusLook(segments, own, spans[index], study, marks);
        if (order.named || chosen === null || !chosen.named) {
            chosen = order;
        }
    }
    chosen.one = one;
    chosen.kind = kind;
    if (!one && sopstatusTables().position === 'message') {
        chosen.anchor = segments[segments.length() - 1];
        return chosen;
    }
    if (!chosen.named && spans.length > 1 && !one) { // which order is not known
        kind = '';
    }
    chosen.anchor = sopstatusAnchor(segments, own, chosen.span, sopstatusLookUp(kinds, kind, null), kind, one);
    return chosen;
}

function sopstatusKind(msg, marks) {
    var nodes = msg['MSH'][0]['MSH.9'];
    var text = nodes.length() ? sopstatusText(nodes[0], [marks.component, marks.subcomponent || '&'], marks) : '';
    return text.split(marks.component)[0].replace(/^\s+|\s+$/g, '').toUpperCase();
}

/* Cut the message into orders, as pairs of indexes; without ORC and OBR it is one as a whole. */
function sopstatusSpans(segments, kind) {
    var runs = [];
    var spans = [];
    var openOrder = false;
    var index, name;
    for (index = 0; kind !== 'MDM' && index < segments.length(); index++) {
        name = String(segments[index].localName());
        if (name === 'ORC' || (name === 'OBR' && !openOrder) || (name === 'PID' && runs.length)) {
            runs.push([index, name]);
        }
        openOrder = name === 'ORC' || (openOrder && name !== 'OBR');
    }
    for (index = 0; index < runs.length; index++) {
        if (runs[index][1] !== 'PID') {
            spans.push([runs[index][0], index + 1 < runs.length ? runs[index + 1][0] : segments.length()]);
        }
    }
    return spans.length ? spans : [[0, segments.length()]];
}

/* Tell what an order holds: whether it names the study, another one, and segments of ours. */
function sopstatusLook(segments, own, span, study, marks) {
    var places = { IPC: 3, ZDS: 1, OBX: 5 }; // of the UID, whether or not the segment is ours
    var order = { span: span, named: false, otherStudy: false, ours: false, numbers: {} };
    var number = 0;
    var index, name, fields, uid;
    for (index = 0; index < span[1]; index++) {
        name = String(segments[index].localName());
        number += name === own ? 1 : 0;
        if (index < span[0] || (name !== own && !sopstatusLookUp(places, name, 0))) {
            continue;
        }
        fields = sopstatusFields(segments[index], marks);
        if (name === own) {
            order.numbers[number - 1] = true;
            order.ours = order.ours || sopstatusIsOurs(fields, marks);
        }
        if (name === 'OBX' && !sopstatusPoints(fields, marks)) {
            continue;
        }
        uid = sopstatusUnpadded(sopstatusFirst(fields, sopstatusLookUp(places, name, 0), marks));
        if (uid && places[name]) {
            order.named = order.named || uid === study;
            order.otherStudy = order.otherStudy || uid !== study;
        }
    }
    return order;
}

function sopstatusAnchor(segments, own, span, names, kind, one) {
    var best = kind === 'MDM' || !names ? segments[span[1] - 1] : segments[span[0]];
    var observed = false;
    var index, name;
    for (index = span[0]; names && index < span[1]; index++) {
        name = String(segments[index].localName());
        observed = observed || name === 'OBX' || name === 'DG1';
        if (name === own || (names.indexOf(name) >= 0 && !(one && observed))) {
            best = segments[index];
        }
    }
    return best;
}

/*
 * Return what tells if the message takes back what it states at a place about a study: ORC-1 is CA or OC
 * or OBR-25 is X in its group, or OBX-11 of the study is W, D or X (tables 0119, 0123, 0085).
 */
function sopstatusTakenBack(msg, marks) {
    var segments = msg.elements();
    var spans = sopstatusSpans(segments, sopstatusKind(msg, marks));
    var numbers = { ORC: 1, OBR: 25, OBX: 11 };
    var groups = [];
    var gone = {};
    var count = 0;
    var studies = {};
    var index, name, nodes, state, fields, number;
    for (number = 0; number < spans.length; number++) {
        for (index = spans[number][0]; index < spans[number][1]; index++) {
            groups[index] = number;
        }
    }
    for (index = 0; index < segments.length(); index++) {
        name = String(segments[index].localName());
        nodes = segments[index][name + '.' + sopstatusLookUp(numbers, name, 0)];
        if (!nodes.length()) {
            continue;
        }
        state = sopstatusText(nodes[0], [marks.component, marks.subcomponent || '&'], marks);
        state = sopstatusComponents(state, marks)[0].replace(/^\s+|\s+$/g, '').toUpperCase();
        if (name === 'OBX' && /^[WDX]$/.test(state)) {
            fields = sopstatusFields(segments[index], marks);
            if (sopstatusPoints(fields, marks)) {
                studies[sopstatusUnpadded(sopstatusFirst(fields, 5, marks))] = true;
            }
        }
        if (((name === 'ORC' && /^(CA|OC)$/.test(state)) || (name === 'OBR' && state === 'X')) &&
                groups[index] !== undefined && !gone[groups[index]]) {
            gone[groups[index]] = true;
            count++;
        }
    }
    return function (place, study) {
        var number = groups[place];
        return (number === undefined ? count === spans.length : gone[number] === true) ||
            sopstatusLookUp(studies, study, false);
    };
}
