/* Runs the generated functions on requests, one JSON a line, and prints an answer a line, in ASCII. */
XML.ignoreWhitespace = true;
XML.prettyPrinting = false;

// what the engine puts into the scope of a script: maps with get and put
var configurationMap = new Packages.java.util.HashMap();
var globalMap = new Packages.java.util.concurrent.ConcurrentHashMap();
var channelMap = new Packages.java.util.HashMap();
var logged = [];
var logger = {
    error: function (line) {
        logged.push(String(line));
    },
    warn: function (line) {
        logged.push(String(line));
    }
};
var destinations = 1;
var destinationSet = {
    removeAll: function () {
        destinations = 0;
    }
};

function message(xml) {
    return new XML(xml);
}

var OPERATIONS = {
    read: function (given) {
        return sopstatusRead(message(given.xml));
    },
    write: function (given) {
        var msg = message(given.xml);
        given.statements.forEach(function (statement) {
            sopstatusWrite(msg, statement);
        });
        return msg.toXMLString();
    },
    dicom: function (given) {
        return sopstatusFromDICOM(message(given.xml), given.holder);
    },
    spelling: function (given) {
        return [sopstatusSpelling(given.vr, given.text), sopstatusIsLegal(given.vr, given.text)];
    },
    problems: function (given) {
        return sopstatusProblems(message(given.xml));
    },
    escape: function (given) {
        return sopstatusEscape(given.text, message(given.xml));
    },
    unescape: function (given) {
        return sopstatusUnescape(given.text, message(given.xml));
    },
    dtm: function (given) {
        return sopstatusDTM(given.text);
    },
    step: function (given) {
        var body = given.script + '\nreturn (tmp || msg).toXMLString();';
        var settings = given.settings || {};
        var key;
        configurationMap.clear();
        channelMap.clear();
        destinations = 1;
        for (key in settings) {
            configurationMap.put(key, settings[key]);
        }
        return String(new Function('msg', 'tmp', body)(
            message(given.xml), given.template ? message(given.template) : null));
    }
};

function kept() {
    var found = {};
    var keys = channelMap.keySet().toArray();
    keys.forEach(function (key) {
        found[String(key)] = String(channelMap.get(key));
    });
    return found;
}

function answer(file) {
    var lines = String(readFile(file, 'UTF-8')).split('\n');
    lines.forEach(function (line) {
        var answer, request;
        if (line) {
            request = JSON.parse(line);
            try {
                answer = { value: OPERATIONS[request.operation](request) };
            } catch (error) {
                answer = { error: String(error.message || error), line: error.lineNumber };
            }
            answer.channel = kept();
            answer.logged = logged;
            logged = [];
            answer.destinations = destinations;
            answer.clients = Number(globalMap.size());
            print(JSON.stringify(JSON.stringify(answer)).replace(/[^ -~]/g, function (character) {
                return '\\u' + ('000' + character.charCodeAt(0).toString(16)).slice(-4);
            }));
        }
    });
}
