/**
 * Cut a message into one for each study that it states something about.
 *
 * @param {XML} msg - a message as the engine's own (non-strict) parser gives it
 * @return {Array} study: its UID; sent: MSH-7; xml: the message without the ZDS of other studies.
 *     Empty where the message states nothing. Throws an Error with the line of an issue where the
 *     copies would take too much, and where another segment states something: it is not cut.
 */
function sopstatusMessages(msg) {
    var marks = sopstatusMarks(msg);
    var name = sopstatusTables().segment;
    var found = sopstatusFind(msg);
    var header = sopstatusFields(msg['MSH'][0], marks);
    var studies = [];
    var made = [];
    var number, index, study, copy;
    var left = sopstatusLeft(msg).filter(function (line) {
        return line.indexOf(' ' + name + '[') < 0;
    });
    if (left.length) {
        sopstatusStop(left.join('\n'), 422);
    }
    for (index = 0; index < found.length; index++) {
        study = found[index].statement.studyInstanceUID;
        if ((found[index].saysOther || sopstatusKeys(found[index].statement.attributes).length) && studies.indexOf(study) < 0) {
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
                delete copy[name][found[index].index];
            }
        }
        made.push({ study: studies[number], sent: sopstatusFirst(header, 7, marks), xml: copy.toXMLString() });
    }
    return made;
}
