"""Reads scenario files: an indented text becomes steps, which are lists that JSON can hold.

    x = await gather A F return_exceptions=True
        ["=", "x", ["await", ["gather", "A", "F", {"return_exceptions": true}]]]
    task A in=G                       a line with an indented block has the block's steps as last element
        ["task", "A", {"in": "G"}, [...]]
    try / except KIND [NAME] / finally
        ["try", [...], {"except": [["cancelled", "e", [...]]], "finally": [...]}]

Arguments: numbers, None, True and False stand for themselves, a name is a string, the text 'abc' is
the string "'abc", and 2s, two seconds, is the string "@2".
"""

import re

_TOKEN = re.compile(r"'[^']*'|[^\s']+(?:'[^']*')?")
_DURATION = re.compile(r"(\d+)s")
_CONSTANTS = {"None": None, "True": True, "False": False}


def parse_scenarios(text):
    """Returns [(name, steps), ...] of a scenario file."""
    lines = []
    for number, line in enumerate(text.splitlines(), 1):
        content = line.split("#", 1)[0].rstrip()
        if content:
            indent = len(content) - len(content.lstrip())
            lines.append((indent, content.strip(), number))
    scenarios = []
    position = 0
    while position < len(lines):
        indent, content, number = lines[position]
        keyword, _, name = content.partition(" ")
        if indent != 0 or keyword != "scenario" or not name:
            raise SyntaxError(f"line {number}: expected 'scenario NAME'")
        steps, position = _block(lines, position + 1, 0)
        scenarios.append((name, steps))
    return scenarios


def _block(lines, position, outer):
    """The steps of the block that is indented deeper than `outer`, and the position after it."""
    if position == len(lines) or lines[position][0] <= outer:
        raise SyntaxError(f"line {lines[position - 1][2]}: an indented block must follow")
    indent = lines[position][0]
    steps = []
    while position < len(lines) and lines[position][0] >= indent:
        if lines[position][0] > indent:
            raise SyntaxError(f"line {lines[position][2]}: indented too far")
        tokens = _TOKEN.findall(lines[position][1])
        position += 1
        body = None
        if position < len(lines) and lines[position][0] > indent:
            body, position = _block(lines, position, indent)
        if tokens[0] in ("except", "finally"):
            _extend_try(steps[-1], tokens, body)
        else:
            steps.append(_step(tokens, body))
    return steps, position


def _extend_try(step, tokens, body):
    if len(step) == 2:
        step.append({})
    clauses = step[2]
    if tokens[0] == "finally":
        clauses["finally"] = body
    else:
        name = tokens[2] if len(tokens) > 2 else None
        clauses.setdefault("except", []).append([tokens[1], name, body])


def _step(tokens, body):
    if len(tokens) > 2 and tokens[1] == "=":
        return ["=", tokens[0], _step(tokens[2:], body)]
    if tokens[0] == "await" and len(tokens) == 2 and "." not in tokens[1]:
        return ["await", tokens[1]]
    if tokens[0] == "await":
        return ["await", _step(tokens[1:], body)]
    if tokens[0] == "if":
        return ["if", _step(tokens[1:], None), body]
    step = [tokens[0]]
    keywords = {}
    for token in tokens[1:]:
        key, equals, value = token.partition("=")
        if equals and key.isidentifier():
            keywords[key] = _argument(value)
        else:
            step.append(_argument(token))
    if keywords:
        step.append(keywords)
    if body is not None:
        step.append(body)
    return step


def _argument(token):
    if token in _CONSTANTS:
        return _CONSTANTS[token]
    if token.startswith("'"):
        return token[:-1]
    if duration := _DURATION.fullmatch(token):
        return f"@{duration[1]}"
    try:
        return int(token)
    except ValueError:
        return token
