#!/usr/bin/env python3
"""validate.py FILE...: are these lines what `karmor logs --json` prints? `-` is standard input.

Checked are schema.json; the order of the keys; and what one key says of another: ATags of Tags, EventData of Data and Resource. Each fault is a
line FILE:LINE: KEY: FAULT. Status 0 if there is none, 1 if there is one, also if a file holds no line at all: nothing would have been checked.
At the end it says how many alerts and logs there were.
"""
import errno
import json
import os
import pathlib
import sys

import jsonschema

SCHEMA = json.loads((pathlib.Path(__file__).parent / "schema.json").read_text())
RESULTS = {"Passed"} | {os.strerror(number) for number in errno.errorcode}
FORMATS = jsonschema.FormatChecker(formats=())
FORMATS.checks("result")(lambda text: text in RESULTS)
VALIDATORS = {kind: jsonschema.Draft202012Validator({"$ref": f"#/$defs/{kind}", "$defs": SCHEMA["$defs"]}, format_checker=FORMATS)
              for kind in ("alert", "log", "lost")}
LOG_TYPES = SCHEMA["$defs"]["log"]["properties"]["Type"]["enum"]


def no_fraction(text):
    raise ValueError(f"{text} is not how Go prints an integer")


def unique(pairs):
    keys = [key for key, _ in pairs]
    twice = {key for key in keys if keys.count(key) > 1}
    if twice:
        raise ValueError(f"{', '.join(sorted(twice))} more than once")
    return dict(pairs)


def order_faults(keys, definition, where=""):
    """The keys must be in the order of the schema's; of those that it does not know it complains itself."""
    expected = [key for key in SCHEMA["$defs"][definition]["properties"] if key in keys and key != "EventID"]
    found = [key for key in keys if key in expected]
    for first, second in zip(expected, found):
        if first != second:
            yield where + second, f"comes before {first}, which belongs there"
            return


def tag_faults(keys):
    if keys["ATags"] != keys["Tags"].split(","):
        yield "ATags", f"is not Tags split at commas: {keys['Tags']}"


def event_data_faults(keys):
    """EventData has the key=value parts of Data, and of Resource for the network, with the key's first letter in upper case. A value may hold
    blanks and what looks like another part: what EventData says of it is taken out of the text first."""
    text = " ".join([keys.get("Data", "")] + ([keys.get("Resource", "")] if keys["Operation"] == "Network" else []))
    found = keys.get("EventData", {})
    rest = f" {text} "
    for key, value in sorted(found.items(), key=lambda part: -len(part[1])):
        part = f" {key[:1].lower()}{key[1:]}={value} "
        if part not in f" {text} ":
            yield f"EventData.{key}", f"is {value!r}, and the text does not say so: {text!r}"
        rest = rest.replace(part, "  ")
    told = {part.split("=", 1)[0] for part in rest.split() if part.find("=") > 0}
    for key in sorted(told):
        if key[:1].upper() + key[1:] not in found:
            yield f"EventData.{key[:1].upper()}{key[1:]}", "is missing"


def faults(keys, kind):
    """(key, what is wrong) of one line."""
    errors = list(VALIDATORS[kind].iter_errors(keys))
    for error in errors:
        path = ".".join(str(part) for part in error.absolute_path)
        yield path or error.validator, "must not be there" if error.validator == "not" and error.validator_value == {} else error.message
    yield from order_faults(keys, kind)
    for name, definition in (("Owner", "owner"), ("ExecEvent", "execEvent")):
        if isinstance(keys.get(name), dict):
            yield from order_faults(keys[name], definition, name + ".")
    # What one key says of another is worth a look only where each is of its form.
    if not errors:
        if "Tags" in keys:
            yield from tag_faults(keys)
        yield from event_data_faults(keys)


def check(line):
    """The kind of a line, alert, log, lost or None, and what is wrong with it."""
    try:
        keys = json.loads(line, object_pairs_hook=unique, parse_float=no_fraction, parse_constant=no_fraction)
    except ValueError as error:
        return None, [("line", str(error))]
    if not isinstance(keys, dict):
        return None, [("line", "is no object")]
    kind = "lost" if keys.get("Operation") == "Lost" else "log" if keys.get("Type") in LOG_TYPES else "alert"
    return kind, list(faults(keys, kind))


def main(paths):
    if not paths:
        sys.exit("usage: validate.py FILE...")
    counts, failed = {"alert": 0, "log": 0, "lost": 0}, 0
    for path in paths:
        try:
            content = sys.stdin.buffer.read() if path == "-" else pathlib.Path(path).read_bytes()
            # Not splitlines(), which knows more ends of lines than JSON lines have.
            lines = content.decode().removesuffix("\n").split("\n") if content else []
        except (OSError, UnicodeDecodeError) as error:
            print(f"{path}: {error}")
            failed += 1
            continue
        if not lines:
            print(f"{path}: holds no line")
            failed += 1
        for number, line in enumerate(lines, 1):
            kind, found = check(line)
            for key, fault in found:
                print(f"{path}:{number}: {key}: {fault}")
            failed += bool(found)
            if kind:
                counts[kind] += 1
    print(f"{counts['alert']} alerts, {counts['log']} logs, {failed} with faults")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main(sys.argv[1:])
