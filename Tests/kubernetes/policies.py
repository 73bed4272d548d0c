"""policies.py --bin DIR [--corpus DIR]: the schemas of deploy/kubernetes/crds and `portcullis policy validate` say the same of each policy.

The policies are those of policies.yaml beside this script, where each says what is expected, those in the Markdown of docs/policies.md, and those of a
directory, if one is named. Where the two may differ, DIFFERENCES says why; a difference that is not listed, or that is not there any more, is a failure.
"""
import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import yaml

TREE = Path(__file__).resolve().parents[2]
CRDS = TREE / "deploy/kubernetes/crds"
# What an object's name may be: the API server looks at it, and not the schema.
NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")

# Path of a document in the corpus, and why one takes it and the other does not.
DIFFERENCES = {}


class Loader(yaml.SafeLoader):
    """YAML 1.1 as Kubernetes reads it: a date is text."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}


def without_nulls(value):
    """The API server takes null for absent."""
    if isinstance(value, dict):
        return {key: without_nulls(entry) for key, entry in value.items() if entry is not None}
    return [without_nulls(entry) for entry in value] if isinstance(value, list) else value


class Schemas:
    def __init__(self):
        self.kinds = {}
        for file in sorted(CRDS.glob("kubearmor*.yaml")):
            spec = yaml.load(file.read_text(), Loader)["spec"]
            version = spec["versions"][0]
            validator = jsonschema.Draft202012Validator(version["schema"]["openAPIV3Schema"])
            validator.check_schema(validator.schema)
            self.kinds[f"{spec['group']}/{version['name']}", spec["names"]["kind"]] = validator

    def problem(self, document):
        """Why the API server would not take it; nothing if it would."""
        if not isinstance(document, dict):
            return "is no object"
        document = without_nulls(document)
        kind = document.get("apiVersion"), document.get("kind")
        if kind not in self.kinds:
            return f"no definition of {kind[0]} {kind[1]}"
        metadata = document.get("metadata", {})
        for field, pattern in ("name", NAME), ("namespace", NAMESPACE):
            value = metadata.get(field, "default" if field == "namespace" else None)
            if not isinstance(value, str) or not pattern.fullmatch(value.replace("container_namespace", "default")):
                return f"metadata.{field}: {value}"
        error = jsonschema.exceptions.best_match(self.kinds[kind].iter_errors(document))
        return f"{error.json_path}: {error.message[:200]}" if error else None


def verdict(program, text):
    """What the command says of a document by itself: its first error, or nothing. Of several at once it would also say which have one name."""
    lines = subprocess.run([program, "policy", "validate", "--json", "-"], input=text, capture_output=True, text=True, timeout=60).stdout
    found = [json.loads(line) for line in lines.splitlines()]
    errors = [f"{line['field']}: {line['problem']}" for line in found if line["type"] == "error"]
    assert errors or any(line["type"] == "policy" for line in found), f"the command said nothing of: {text}"
    return errors[0] if errors else None


def documents(text):
    """The documents of a file as they are written; a comment before a separator is none."""
    return [part for part in re.split(r"^---.*$", text, flags=re.MULTILINE) if re.search(r"^[^#\s]", part, re.MULTILINE)]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--bin", type=Path, required=True)
    options.add_argument("--corpus", type=Path)
    options = options.parse_args()
    # name, text, what the schema and the command are expected to say (True: taken), or None: the same, whatever it is
    cases = []
    for case in yaml.load((Path(__file__).parent / "policies.yaml").read_text(), Loader):
        cases.append((f"policies.yaml: {case['name']}", case["policy"], (case["schema"], case["daemon"])))
    for number, text in enumerate(re.findall(r"^```yaml\n(.*?)^```", (TREE / "docs/policies.md").read_text(), re.MULTILINE | re.DOTALL), 1):
        cases.append((f"docs/policies.md: example {number}", text, (True, True)))
    count = 0
    if options.corpus and options.corpus.is_dir():
        for file in sorted(options.corpus.rglob("*.yaml")):
            for number, text in enumerate(documents(file.read_text()), 1):
                cases.append((f"{file.relative_to(options.corpus)}:{number}", text, None))
                count += 1
    else:
        print("SKIP kubearmor's policies: no directory of them (PORTCULLIS_POLICY_CORPUS)")

    schemas, failures, agreed, refused = Schemas(), [], 0, 0
    unused = dict(DIFFERENCES) if count else {}
    for name, text, expected in cases:
        schema, command = schemas.problem(yaml.load(text, Loader)), verdict(options.bin / "portcullis", text)
        found = schema is None, command is None
        if expected is None:
            reason = unused.pop(name, None)
            if (found[0] != found[1]) != (reason is not None):
                failures.append(f"{name}: schema: {schema or 'taken'}; command: {command or 'taken'}; listed: {reason}")
            agreed += found[0] == found[1]
            refused += not found[1]
        elif found != tuple(expected):
            failures.append(f"{name}: schema: {schema or 'taken'}; command: {command or 'taken'}; expected {['refused', 'taken'][expected[0]]}, {['refused', 'taken'][expected[1]]}")
    failures += [f"{name} is listed as a difference, and is none: {reason}" for name, reason in unused.items()]
    for failure in failures:
        print(f"FAIL policies {failure}")
    if not failures:
        print(f"ok policies {len(cases) - count} cases" + (f"; {agreed} of {count} of KubeArmor's judged alike, {refused} of them refused" if count else ""))
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
