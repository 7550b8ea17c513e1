/* Runs a channel of a stand-in engine: its scripts, its maps and its queue; see engine.py. */

var Status = { SENT: 'SENT', QUEUED: 'QUEUED', ERROR: 'ERROR', FILTERED: 'FILTERED' };

function Response(status, message, statusMessage, error) {
    this.status = status;
    this.message = message || '';
    this.statusMessage = statusMessage || '';
    this.error = error || '';
}

var DICOMUtil = {
    getDICOMRawBytes: function (connectorMessage) {
        return connectorMessage.raw;
    },
    byteArrayToDicomObject: function (raw) {
        return {
            getString: function (tag) {
                return Object.prototype.hasOwnProperty.call(raw, tag) ? raw[tag] : null;
            }
        };
    }
};

var connectorMessage = null;

// what a real engine keeps in its database, and what is gone when it stops
var engine = { messages: [], queue: [], sent: [], clock: 0, answered: [] };

var compiled = {};

/* As the engine, compile each script once. */
function scriptOf(text) {
    compiled[text] = compiled[text] || new Function('msg', 'tmp', text);
    return compiled[text];
}

function mapOf(values) {
    var map = new Packages.java.util.HashMap();
    Object.keys(values).forEach(function (key) {
        map.put(key, values[key]);
    });
    return map;
}

function valuesOf(map) {
    var found = {};
    map.keySet().toArray().forEach(function (key) {
        found[String(key)] = String(map.get(key));
    });
    return found;
}

/* A message arrives: the source transformer runs, and what it leaves waits for the destination. */
function receive(channel, given) {
    var message = { id: engine.messages.length + 1, status: 'RECEIVED', errors: '', attempts: 0, attemptedFirst: false };
    var made;
    engine.messages.push(message);
    channelMap.clear();
    destinations = 1;
    connectorMessage = { raw: given.raw || {} };
    try {
        made = scriptOf(channel.source + '\nreturn (tmp || msg).toXMLString();')(
            new XML(given.xml), channel.template ? new XML(channel.template) : null);
        message.encoded = String(made);
        message.maps = valuesOf(channelMap);
        message.status = destinations ? 'QUEUED' : 'TRANSFORMED';
        if (destinations) {
            engine.queue.push(message.id);
        }
        engine.answered.push('AA');
    } catch (error) {
        message.status = 'ERROR';
        message.errors = String(error.message || error);
        engine.answered.push('AE');
    }
}

/* The destination's queue, as DestinationConnector.run() has it, for so many seconds of its clock. */
function run(channel, seconds) {
    var end = engine.clock + seconds * 1000;
    var last = 0;
    var message, response;
    while (engine.queue.length) {
        message = engine.messages[engine.queue[0] - 1];
        if (message.attemptedFirst || last === message.id || (channel.rotate && last > message.id)) {
            if (engine.clock + channel.retryInterval > end) {
                return;
            }
            engine.clock += channel.retryInterval; // it waits before it tries again
            message.attemptedFirst = false;
        }
        last = message.id;
        response = send(channel, message);
        message.attempts += 1;
        message.status = response.status;
        message.errors = response.error;
        message.told = response.statusMessage;
        if (message.status !== 'QUEUED') {
            engine.queue.shift();
        } else if (channel.rotate) {
            engine.queue.push(engine.queue.shift());
        }
    }
}

function send(channel, message) {
    var returned;
    channelMap = mapOf(message.maps); // a message of the queue comes from the database
    connectorMessage = null;
    if (!channel.writer) { // TCP Sender: whoever listens takes everything
        engine.sent.push(message.encoded);
        return new Response(Status.SENT);
    }
    try {
        returned = scriptOf(channel.writer)();
    } catch (error) {
        return new Response(Status.ERROR, '', '', String(error.message || error));
    }
    return returned instanceof Response ? returned : new Response(Status.SENT, String(returned));
}

var ACTIONS = {
    settings: function (channel, given) {
        Object.keys(given).forEach(function (key) {
            configurationMap.put(key, given[key]);
        });
    },
    receive: receive,
    run: run,
    restart: function () { // what is not in the database is gone
        engine = JSON.parse(JSON.stringify(engine));
        globalMap.clear();
        channelMap = mapOf({});
    }
};

OPERATIONS.channel = function (given) {
    engine = { messages: [], queue: [], sent: [], clock: 0, answered: [] };
    globalMap.clear();
    configurationMap.clear();
    given.actions.forEach(function (action) {
        ACTIONS[action[0]](given.channel, action[1]);
    });
    return engine;
};
