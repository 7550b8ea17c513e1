"""The shipped scripts are ECMAScript 5: the engine's Rhino has less of ES6 than it parses."""

import re
from collections import Counter

import esprima
import pytest
from sopstatus import load_tables
from sopstatus.artifacts.mirth.channels import CHANNELS, step_script, writer_script
from sopstatus.artifacts.mirth.library import FUNCTIONS, script

SCRIPTS = {name: script(name, load_tables()) for name in FUNCTIONS}
SCRIPTS |= {channel.name: step_script(channel, load_tables()) for channel in CHANNELS}
# the body of a function, as the engine has it: it returns a Response
WRITERS = {
    channel.writer: f"function writer() {{\n{writer_script(channel, load_tables())}\n}}"
    for channel in CHANNELS
    if channel.writer
}
SCRIPTS |= WRITERS

# what ESTree has for ECMAScript 5
NODES = {
    *("Program", "FunctionDeclaration", "FunctionExpression", "BlockStatement", "ReturnStatement"),
    *("VariableDeclaration", "VariableDeclarator", "Identifier", "Literal", "IfStatement"),
    *("ForStatement", "ForInStatement", "WhileStatement", "TryStatement", "CatchClause"),
    *("ThrowStatement", "ContinueStatement", "BreakStatement", "ExpressionStatement"),
    *("AssignmentExpression", "BinaryExpression", "LogicalExpression", "UnaryExpression"),
    *("UpdateExpression", "ConditionalExpression", "CallExpression", "NewExpression"),
    *("MemberExpression", "ObjectExpression", "Property", "ArrayExpression", "ThisExpression"),
}
LATER = re.compile(
    r"\.(?:includes|startsWith|endsWith|padStart|padEnd|repeat|find|findIndex|fill|codePointAt|"
    r"normalize|flat|flatMap|replaceAll|trimStart|trimEnd|matchAll)\s*\(|"
    r"Object\.(?:assign|values|entries|is)\b|Array\.(?:from|of)\b|String\.(?:raw|fromCodePoint)\b|"
    r"Number\.(?:is\w+|parse\w+)|\bnew (?:Map|Set|WeakMap|Promise|Proxy)\b|\b(?:Symbol|Reflect|Promise)\."
)


def nodes(node):
    if isinstance(node, list):
        for item in node:
            yield from nodes(item)
    elif isinstance(node, dict):
        if "type" in node:
            yield node
        for value in node.values():
            yield from nodes(value)


def faults(text):
    for node in nodes(esprima.parseScript(text).toDict()):
        kind = node["type"]
        if kind not in NODES or node.get("kind") in ("let", "const"):
            yield kind
        if kind == "Property" and (node["shorthand"] or node["method"] or node["computed"]):
            yield "shorthand"
        if node.get("generator") or node.get("async") or node.get("isAsync"):
            yield "function"
        if any(p["type"] != "Identifier" for p in node.get("params", [])):
            yield "parameter"
    yield from LATER.findall(text)


@pytest.mark.parametrize("name", SCRIPTS)
def test_script(name):
    assert list(faults(SCRIPTS[name])) == []
    assert SCRIPTS[name].isascii()


@pytest.mark.parametrize(
    "text",
    [
        "let a = 1;",
        "const a = 1;",
        "a => 1",
        "`a`",
        "for (a of b) {}",
        "f(...a)",
        "var {a} = b;",
        "function f(a = 1) {}",
        "class A {}",
        "a = {b};",
        "a = {b() {}};",
        "a = {[b]: 1};",
        "a.includes('b')",
        "Object.assign(a, b)",
        "new Set()",
    ],
)
def test_what_is_later_is_found(text):
    assert list(faults(text))


def test_every_function_is_ours_by_its_name():
    """Code templates share one scope, with those of others too."""
    names = Counter()
    for name in FUNCTIONS:
        tree = esprima.parseScript(SCRIPTS[name]).toDict()["body"]
        assert all(node["type"] == "FunctionDeclaration" for node in tree)
        names.update(node["id"]["name"] for node in tree)
    assert all(name.startswith("sopstatus") for name in names)
    assert set(names.values()) == {1}
