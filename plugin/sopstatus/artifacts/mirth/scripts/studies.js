/**
 * Cut a message into one for each study that it states something about.
 *
 * @param {XML} msg - a message as the engine's own (non-strict) parser gives it
 * @return {Array} study: its UID; sent: MSH-7; xml: the message without our segments of other studies.
 *     Empty where the message states nothing. Throws an Error with the line of an issue where the
 *     copies would take too much.
 */
function sopstatusMessages(msg) {
    var marks = sopstatusMarks(msg);
    var found = sopstatusFind(msg);
    var header = sopstatusFields(msg['MSH'][0], marks);
    var studies = [];
    var made = [];
    var number, index, study, copy;
    for (index = 0; index < found.length; index++) {
        study = found[index].statement.studyInstanceUID;
        if (sopstatusKeys(found[index].statement.attributes).length && studies.indexOf(study) < 0) {
            studies.push(study);
        }
    }
    if (studies.length * msg.elements().length() > sopstatusTables().pairs) { // each is a copy of the message
        throw new Error(sopstatusIssue('document/too-many-pairs', '-', { limit: sopstatusTables().pairs }));
    }
    for (number = 0; number < studies.length; number++) {
        copy = msg.copy();
        for (index = found.length - 1; index >= 0; index--) { // from behind: segments go
            if (found[index].statement.studyInstanceUID !== studies[number]) {
                delete copy[found[index].table.name][found[index].index];
            }
        }
        made.push({ study: studies[number], sent: sopstatusFirst(header, 7, marks), xml: copy.toXMLString() });
    }
    return made;
}
