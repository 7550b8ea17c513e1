// Makes an ORU^R01 about a data set: patient, study, and a ZDS with its SOP Instance Status.
// No Python at run time. Settings, Configuration Map: sopstatus.holder (the system that holds
// these data sets: AE Title, or AE Title^universal ID^type; without it, ZDS-10 is empty); sopstatus.errors (default stop: a value
// that is not as DICOM has it stops the message, and the line stands in its errors; log: the line is
// logged, and the value goes on in ZDS-9).
function text(tag) {
    var nodes = msg['tag' + tag];
    return sopstatusEscape(nodes.length() ? String(nodes[0]).replace(/[ \x00]+$/, '') : '', tmp) || '';
}

function two(number) {
    return (number < 10 ? '0' : '') + number;
}

function now() {
    var date = new Date();
    var minutes = -date.getTimezoneOffset();
    var hours = Math.floor(Math.abs(minutes) / 60);
    return String(date.getFullYear()) + two(date.getMonth() + 1) + two(date.getDate()) + two(date.getHours()) +
        two(date.getMinutes()) + two(date.getSeconds()) +
        (minutes < 0 ? '-' : '+') + two(hours) + two(Math.abs(minutes) % 60);
}

// the alphabetic form; XPN has the suffix before the prefix
var name = String(msg['tag00100010'][0] || '').split('=')[0].split('^');
var parts = [name[0], name[1], name[2], name[4], name[3]];
tmp['MSH']['MSH.7']['MSH.7.1'] = now();
tmp['MSH']['MSH.10']['MSH.10.1'] = String(Packages.java.util.UUID.randomUUID()).replace(/-/g, '').substring(0, 20);
tmp['PID']['PID.3']['PID.3.1'] = text('00100020');
while (parts.length && !parts[parts.length - 1]) {
    parts.pop();
}
for (var index = 0; index < parts.length; index++) { // fields and components in their order
    tmp['PID']['PID.5']['PID.5.' + (index + 1)] = sopstatusEscape((parts[index] || '').replace(/ +$/, ''), tmp) || '';
}
tmp['PID']['PID.7']['PID.7.1'] = text('00100030');
tmp['PID']['PID.8']['PID.8.1'] = text('00100040');
tmp['OBR']['OBR.18']['OBR.18.1'] = text('00080050'); // Accession Number, as IHE has it
tmp['OBR']['OBR.25']['OBR.25.1'] = 'F';
tmp['OBX']['OBX.5']['OBX.5.1'] = text('0020000D');
var problems = sopstatusProblems(msg);
if (problems.length) {
    sopstatusStop(problems.join('\n'), 422);
}
sopstatusWrite(tmp, sopstatusFromDICOM(msg, sopstatusSetting('sopstatus.holder', '')));
