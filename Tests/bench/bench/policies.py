"""Policies to measure with: the same on every machine, and of the shapes that published KubeArmor policies have."""
import fnmatch
import json
import random

# A container image's names, more or less: what rules name lies near the top, and names share their beginnings.
TOPS = ("/usr/bin", "/usr/sbin", "/usr/lib/x86_64-linux-gnu", "/usr/lib/python3.11", "/usr/share", "/etc", "/opt", "/var/lib", "/var/log", "/srv")
WORDS = ("apt ssl net core user log data main mail http auth conf init node perl ruby java kube json yaml text time zone file lock disk mount "
         "proc sys run tmp cache spool queue cron sudo pass shadow group host name dns cert key sign hash zip tar curl wget git svn make").split()
ENDS = ("", "", "", ".conf", ".so.1", ".so.6", ".py", ".json", ".d", "-tool", "-helper", "ctl", "d")
FIXED = ["/bin/sh", "/usr/bin/python3", "/usr/bin/curl"]


class Rules:
    """Draws rules; each is a dictionary of the fields that it has in YAML, with `section` and `list` beside them."""

    def __init__(self, seed=1, actions=("Block", "Block", "Allow", "Audit")):
        self.random = random.Random(seed)
        self.actions = actions
        self.directories = []

    def name(self):
        pick = self.random.choice
        middle = "-".join(pick(WORDS) for _ in range(self.random.choice((1, 1, 2))))
        return middle + (str(self.random.randrange(10)) if self.random.random() < 0.3 else "") + pick(ENDS)

    def directory(self):
        return "/".join([self.random.choice(TOPS), *(self.name() for _ in range(self.random.choice((0, 0, 1))))])

    def path(self):
        return self.directory() + "/" + self.name()

    def long_path(self):
        """One of the many paths of a whole file system, of 67 bytes or so: most files share their directory with others."""
        if len(self.directories) < 1500:
            above = self.random.choice(self.directories) if self.directories and self.random.random() < 0.9 else self.directory()
            self.directories.append(above + "/" + self.name() if len(above) < 60 else self.directory() + "/" + self.name())
        return self.random.choice(self.directories) + "/" + self.name() + "-" + self.name()

    def literal(self):
        return self.rule("matchPaths", {"path": self.path()})

    def long_literal(self):
        return self.rule("matchPaths", {"path": self.long_path()})

    def mixed(self, floating=True):
        """1 in 100 names something wherever it is, 60 name a path, 25 a directory, 14 a pattern."""
        kind = self.random.randrange(0 if floating else 1, 100)
        if kind == 0:
            if self.random.random() < 0.5:
                return self.rule("matchPaths", {"execname": self.name()}, "process")
            return self.rule("matchPatterns", {"pattern": "/**/" + self.name()})
        if kind < 61:
            return self.literal()
        if kind < 86:
            return self.rule("matchDirectories", {"dir": self.directory() + "/", "recursive": self.random.random() < 0.5})
        directory, name = self.directory(), self.name()
        return self.rule("matchPatterns", {"pattern": self.random.choice((
            f"{directory}/*{name[-4:]}", f"{directory}/{name[:4]}*", f"{directory}/**/{name}", f"/*/*/{name}",
            f"{directory}/{name[:-1]}?", f"{directory}/{{{name},{name[:-1]},*.bak}}"))})

    def rule(self, kind, fields, section=None):
        draw = self.random.random
        section = section or ("process" if draw() < 1 / 3 else "file")
        rule = {"section": section, "list": kind, **fields, "action": self.random.choice(self.actions)}
        if draw() < 0.1 and "execname" not in fields:
            rule["fromSource"] = [{"path": self.random.choice(FIXED)}]
        if draw() < 0.05:
            rule["ownerOnly"] = True
        if section == "file" and draw() < 0.1:
            rule["readOnly"] = True
        return rule


def file_rule(path, action="Block"):
    return {"section": "file", "list": "matchPaths", "path": path, "action": action}


def may_name(rule, path):
    """Whether the rule might match the path: true too often rather than too seldom."""
    if "dir" in rule:
        return path.startswith(rule["dir"])
    if "pattern" in rule:
        # Where fnmatch's star crosses slashes it matches more; alternatives are only compared up to where they begin.
        return fnmatch.fnmatchcase(path, rule["pattern"].split("{")[0] + ("*" if "{" in rule["pattern"] else ""))
    return path == rule.get("path") or path.endswith("/" + rule.get("execname", "/"))


def text(rules, name="bench", label="bench", per_policy=500):
    """YAML of policies with these rules, for containers of the namespace default with the label app."""
    parts = []
    for number, start in enumerate(range(0, len(rules), per_policy)):
        parts.append(_policy(rules[start:start + per_policy], f"{name}-{number:03d}", label))
    return "---\n".join(parts)


def _policy(rules, name, label):
    lines = ["apiVersion: security.kubearmor.com/v1", "kind: KubeArmorPolicy", f"metadata: {{name: {name}, namespace: default}}", "spec:",
             f"  selector: {{matchLabels: {{app: {label}}}}}", "  severity: 5"]
    for section in ("process", "file"):
        own = [rule for rule in rules if rule["section"] == section]
        if own:
            lines.append(f"  {section}:")
        for kind in ("matchPaths", "matchDirectories", "matchPatterns"):
            entries = [rule for rule in own if rule["list"] == kind]
            if entries:
                lines.append(f"    {kind}:")
            lines += ["    - " + _flow({key: value for key, value in rule.items() if key not in ("section", "list")}) for rule in entries]
    return "\n".join(lines) + "\n"


def _flow(value):
    """YAML's flow form, which JSON is."""
    return json.dumps(value)
