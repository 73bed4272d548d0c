"""manifests.py --kustomize PROGRAM --stage DIR [--bin DIR]: what deploy/kubernetes and deploy/compose say is what Kubernetes reads, and no more than what
docs/security.md promises. One line for each finding; the exit status is 1 if there is one.
"""
import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import kubernetes_validate
import yaml

TREE = Path(__file__).resolve().parents[2]
KUBERNETES = TREE / "deploy/kubernetes"
BUILDS = ["base", "crio", "containerd", "uninstall", "uninstall-crio", "crds", "namespace"]
# The oldest that has the field for AppArmor, and the newest that there is a schema of.
VERSIONS = ["1.30", kubernetes_validate.latest_version()]
OPT = "/opt/portcullis"
# Where a host path may be mounted: itself, or below /host where a node is prepared. Nothing of a runtime's is among them.
HOST_PATHS = {
    OPT: "DirectoryOrCreate", "/run/portcullis": "DirectoryOrCreate", "/run/portcullis-events": "DirectoryOrCreate", "/var/lib/portcullis": "DirectoryOrCreate",
    "/etc/portcullis": "DirectoryOrCreate", "/etc/portcullis/policies": "DirectoryOrCreate", "/sys/fs/bpf": "Directory", "/sys/kernel/security": "Directory",
    "/usr/share/containers/oci/hooks.d": "DirectoryOrCreate", "/etc/containers/oci/hooks.d": "DirectoryOrCreate", "/var/run/nri": "Directory", "/etc/machine-id": "File"}
HOOK_DIRECTORIES = {path for path in HOST_PATHS if path.endswith("hooks.d")}
findings = []


def finding(place, what):
    findings.append(f"{place}: {what}")


def expect(place, what, expected, found):
    if expected != found:
        finding(place, f"{what}: expected {expected}, found {found}")


def unit_capabilities():
    line = re.search(r"^CapabilityBoundingSet=(.+)$", (TREE / "deploy/systemd/portcullisd.service").read_text(), re.MULTILINE)
    return {word.removeprefix("CAP_") for word in line[1].split()}


DAEMON = unit_capabilities()
# Which container has which capabilities; any other has none.
CAPABILITIES = {"portcullisd": DAEMON, "clean-node": DAEMON, "prepare-node": {"CHOWN", "BPF", "SYS_ADMIN"}}


def build(kustomize, directory):
    result = subprocess.run([kustomize, "build", directory], capture_output=True, text=True, timeout=60)
    if result.returncode:
        finding(directory, result.stderr.strip()[:400])
        return []
    return [document for document in yaml.safe_load_all(result.stdout) if document]


def everything(kustomize):
    """All components at once, in another namespace, from a copy: kustomize reads nothing outside what it is given."""
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(["cp", "-r", KUBERNETES, f"{directory}/kubernetes"], check=True)
        overlay = Path(directory) / "kubernetes/elsewhere"
        overlay.mkdir()
        components = [f"../components/{name}" for name in ("nri", "etc-hooks", "watcher")]
        (overlay / "kustomization.yaml").write_text(json.dumps({"namespace": "elsewhere", "resources": ["../crio", "../crds"], "components": components}))
        objects = build(kustomize, str(overlay))
    for item in objects:
        name = f"elsewhere: {item['kind']} {item['metadata']['name']}"
        places = [item["metadata"].get("namespace", "elsewhere"), *(subject["namespace"] for subject in item.get("subjects", []))]
        if item["kind"] == "Namespace":
            places.append(item["metadata"]["name"])
        for place in places:
            expect(name, "namespace", "elsewhere", place)
    paths = [volume["hostPath"]["path"] for item in objects if item["kind"] == "DaemonSet" for volume in item["spec"]["template"]["spec"]["volumes"] if volume["name"] == "hooks"]
    expect("elsewhere", "the hook directory of etc-hooks", ["/etc/containers/oci/hooks.d"], paths)
    return objects


def schema(place, item):
    if item["kind"] not in ("CustomResourceDefinition",):
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(item, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                finding(place, f"Kubernetes {version}: {'.'.join(map(str, error.path))}: {error.message[:200]}")
        return
    # The schema of these in the API is self-referential beyond what the validator follows in strict mode; what makes one structural is looked at instead.
    kubernetes_validate.validate(item, VERSIONS[1])
    for version in item["spec"]["versions"]:
        structural(place, version["schema"]["openAPIV3Schema"], "")


def structural(place, node, path):
    """A type for each field, and in conditions nothing but what is looked at (apiextensions.k8s.io/v1, structural schemas)."""
    if "type" not in node:
        finding(place, f"{path}: no type")
    if "properties" in node and "additionalProperties" in node:
        finding(place, f"{path}: both properties and additionalProperties")
    for name, child in node.get("properties", {}).items():
        structural(place, child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in node:
            structural(place, node[key], f"{path}.{key}")
    for key in ("oneOf", "anyOf", "allOf"):
        for condition in node.get(key, []):
            conditional(place, condition, node, f"{path}.{key}")
    if "pattern" in node:
        # Go's RE2: neither looks around nor refers back.
        if re.search(r"\(\?[=!<]|\\[1-9]", node["pattern"]):
            finding(place, f"{path}: RE2 has no such pattern: {node['pattern']}")
        re.compile(node["pattern"])


def conditional(place, condition, node, path):
    for word in ("type", "description", "default", "additionalProperties", "nullable"):
        if word in condition:
            finding(place, f"{path}: {word} in a condition")
    for name, child in condition.get("properties", {}).items():
        if name not in node.get("properties", {}):
            finding(place, f"{path}: {name} is in a condition only")
        conditional(place, child, node.get("properties", {}).get(name, {}), f"{path}.{name}")


def node_programs():
    """What prepare-node puts below /opt/portcullis."""
    text = (TREE / "deploy/container/node-install").read_text()
    prefix = re.search(r"prefix=(\S+)", text)[1]
    return {prefix + path for path in re.findall(r'(?:^daemon=|"\$own/\S+" ")\$host\$prefix(/[^" \n]+)', text, re.MULTILINE)}


def pods(place, item, images, programs):
    spec = item["spec"]["template"]["spec"]
    expect(place, "hostPID", True, spec.get("hostPID"))
    expect(place, "a token of the API server's", False, spec.get("automountServiceAccountToken"))
    expect(place, "seccompProfile", {"type": "RuntimeDefault"}, spec["securityContext"].get("seccompProfile"))
    expect(place, "tolerations", [{"operator": "Exists"}], spec.get("tolerations"))
    expect(place, "maxSurge", 0, item["spec"]["updateStrategy"]["rollingUpdate"].get("maxSurge", 0))
    selector, labels = item["spec"]["selector"]["matchLabels"], item["spec"]["template"]["metadata"]["labels"]
    if not selector.items() <= labels.items():
        finding(place, "its selector does not select its pods")
    volumes = {}
    for volume in spec.get("volumes", []):
        volumes[volume["name"]] = volume.get("hostPath", {}).get("path")
        if "hostPath" in volume:
            path = volume["hostPath"]
            if path["path"] not in HOST_PATHS:
                finding(place, f"{path['path']} of the host is mounted: not one that these pods may have")
            else:
                expect(place, f"type of {path['path']}", HOST_PATHS[path["path"]], path.get("type"))
    used = set()
    for container in spec.get("initContainers", []) + spec["containers"]:
        used |= {mount["name"] for mount in container.get("volumeMounts", [])}
        containers(f"{place} {container['name']}", container, spec, volumes, images, programs)
    expect(place, "volumes that are declared", sorted(used), sorted(volumes))


def containers(place, container, pod, volumes, images, programs):
    context = container.get("securityContext", {})
    expect(place, "capabilities", sorted(CAPABILITIES.get(container["name"], set())), sorted(context.get("capabilities", {}).get("add", [])))
    expect(place, "dropped capabilities", ["ALL"], context.get("capabilities", {}).get("drop"))
    expect(place, "readOnlyRootFilesystem", True, context.get("readOnlyRootFilesystem"))
    if context.get("privileged") or context.get("procMount"):
        finding(place, "is privileged")
    # Kubernetes refuses it beside SYS_ADMIN.
    expect(place, "allowPrivilegeEscalation", None if CAPABILITIES.get(container["name"]) else False, context.get("allowPrivilegeEscalation"))
    if context.get("runAsUser", pod["securityContext"].get("runAsUser")) is None:
        finding(place, "no user")
    if "memory" not in container.get("resources", {}).get("limits", {}) or "cpu" not in container["resources"].get("requests", {}):
        finding(place, "no limit of memory, or no request of CPU")
    if container["image"] not in images:
        finding(place, f"image {container['image']} is none of {sorted(images)}")
    staged = images.get(container["image"], set())
    for mount in container.get("volumeMounts", []):
        if mount.get("mountPropagation", "None") != "None":
            finding(place, f"{mount['mountPath']} propagates mounts")
        source = volumes.get(mount["name"])
        allowed = {source, f"/host{source}"} | ({"/host/hooks.d"} if source in HOOK_DIRECTORIES else set())
        if source and mount["mountPath"] not in allowed:
            finding(place, f"{source} is mounted at {mount['mountPath']}")
    mounts = {mount["mountPath"] for mount in container.get("volumeMounts", [])}
    commands = [container["command"]] + [probe["exec"]["command"] for probe in (
        container.get("startupProbe", {}), container.get("livenessProbe", {}), container.get("lifecycle", {}).get("preStop", {})) if "exec" in probe]
    for command in commands:
        program = command[0]
        if program.startswith(OPT):
            if program not in programs or OPT not in mounts:
                finding(place, f"{program} is not put on the node by prepare-node, or not mounted here")
        elif program not in staged:
            finding(place, f"{program} is not in the image")
    for entry in container.get("env", []):
        value = entry.get("value", "")
        if value.startswith("/") and not any(value == mount or value.startswith(mount + "/") for mount in mounts):
            finding(place, f"{entry['name']}: {value} is not mounted")
    for argument in container.get("args", []):
        for path in re.findall(r"(?:^|=)(/[^ ]+)", argument):
            if not any(path.startswith(mount + "/") for mount in mounts):
                finding(place, f"{argument}: not below what is mounted")
            if path.startswith(OPT) and path not in programs:
                finding(place, f"{argument}: not put on the node by prepare-node")


def daemon(place, item):
    [container] = item["spec"]["template"]["spec"]["containers"]
    for probe in "startupProbe", "livenessProbe":
        expect(place, probe, [f"{OPT}/bin/portcullis", "status"], container.get(probe, {}).get("exec", {}).get("command"))
    expect(place, "preStop", [f"{OPT}/sbin/portcullisd", "--unlock"], container.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command"))
    expect(place, "command", [f"{OPT}/sbin/portcullisd"], container["command"])
    # Wherever an overlay puts it: the pods beside it are the ones that the daemon is to listen to.
    expect(place, "agent-namespace", ["metadata.namespace"], [entry["valueFrom"]["fieldRef"]["fieldPath"] for entry in container.get("env", []) if entry["name"] == "PORTCULLIS_AGENT_NAMESPACE"])
    expect(place, "priorityClassName", "system-node-critical", item["spec"]["template"]["spec"].get("priorityClassName"))
    expect(place, "appArmorProfile", {"type": "Unconfined"}, item["spec"]["template"]["spec"]["securityContext"].get("appArmorProfile"))


def agree():
    """What one file says by itself and another must know."""
    pod = yaml.safe_load((KUBERNETES / "base/daemonset.yaml").read_text())["spec"]["template"]
    key, value = json.loads((KUBERNETES / "components/crio/hook.json").read_text())["agent-annotation"].split("=", 1)
    expect("base", f"annotation {key}, by which the hook knows it", value, pod["metadata"]["annotations"].get(key))
    [group] = [entry["value"] for entry in pod["spec"]["initContainers"][0]["env"] if entry["name"] == "PORTCULLIS_EVENTS_GROUP"]
    feed = yaml.safe_load((KUBERNETES / "components/feed/daemonset.yaml").read_text())["spec"]["template"]["spec"]["securityContext"]
    expect("feed", "the group that may read events", int(group), feed["runAsGroup"])
    services = yaml.safe_load((TREE / "deploy/compose/compose.yaml").read_text())["services"]
    expect("compose.yaml", "the group that may read events", services["prepare-node"]["environment"]["PORTCULLIS_EVENTS_GROUP"], services["portcullis-feed"]["user"].split(":")[1])


def compose(images):
    services = yaml.safe_load((TREE / "deploy/compose/compose.yaml").read_text())["services"]
    for name, service in services.items():
        place = f"compose.yaml {name}"
        expect(place, "capabilities", sorted(CAPABILITIES.get(name, set())), sorted(service.get("cap_add", [])))
        expect(place, "dropped capabilities", ["ALL"], service.get("cap_drop"))
        expect(place, "pid", "host", service.get("pid"))
        expect(place, "read_only", True, service.get("read_only"))
        if service.get("privileged"):
            finding(place, "is privileged")
        if service["image"] not in images:
            finding(place, f"image {service['image']} is none of {sorted(images)}")
        for volume in service["volumes"]:
            source, target = volume.split(":")[:2]
            if source not in HOST_PATHS or target not in (source, f"/host{source}"):
                finding(place, f"{volume}: not one that these containers may have")


def programs_agree(binaries):
    """The daemon reads its configuration, the hook its own, and every flag of the feed's is one."""
    configuration = KUBERNETES / "base/config/config.yaml"
    # As root it goes on to what is not there; others are sent away first.
    result = subprocess.run([binaries / "portcullisd", "--config", configuration, "--bpf-directory", "/nonexistent/v1", "--remove"], capture_output=True, text=True, timeout=20)
    if result.returncode != 1 or not re.search("nothing to remove|must run as root", result.stderr):
        finding("config.yaml", f"the daemon says: {result.stderr.strip()}")
    hook = KUBERNETES / "components/crio/hook.json"
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / "hook.json"
        copy.write_text(hook.read_text())
        result = subprocess.run([binaries / "x86_64/portcullis-hook", "--config", copy, "--socket", "/nonexistent/s", "--spool", "/nonexistent/d/s"], input="", capture_output=True, text=True, timeout=20)
    if "hook.json" in result.stderr or "the OCI state" not in result.stderr:
        finding("hook.json", f"the hook says: {result.stderr.strip()}")
    result = subprocess.run([binaries / "portcullis", "status", "--socket", "/nonexistent/s"], capture_output=True, timeout=20)
    expect("portcullis status", "exit status where no daemon is", 1, result.returncode)
    text = subprocess.run([binaries / "portcullis-feed", "--help"], capture_output=True, text=True, timeout=20).stdout
    feed = yaml.safe_load((KUBERNETES / "components/feed/daemonset.yaml").read_text())["spec"]["template"]["spec"]["containers"][0]["args"]
    feed += yaml.safe_load((TREE / "deploy/compose/compose.yaml").read_text())["services"]["portcullis-feed"]["command"]
    for argument in feed:
        if not re.search(rf"^  {argument.split('=')[0]}\b", text, re.MULTILINE):
            finding("feed", f"{argument}: no such option")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--kustomize", required=True)
    options.add_argument("--stage", type=Path, required=True)
    options.add_argument("--bin", type=Path, required=True)
    options = options.parse_args()
    version = re.search(r'"(.+)"', (TREE / "Sources/HookWire/BuildVersion.swift").read_text())[1]
    staged = {name: {"/" + str(file.relative_to(options.stage / name)) for file in (options.stage / name).rglob("*") if not file.is_dir()} for name in ("agent", "node", "feed")}
    images = {f"localhost/portcullis{suffix}:{version}": files for suffix, files in (("", staged["agent"]), ("-node", staged["agent"] | staged["node"]), ("-feed", staged["feed"]))}
    programs = node_programs()
    expect("node-install", "programs", {f"{OPT}/{name}" for name in ("sbin/portcullisd", "bin/portcullis", "libexec/portcullis-hook")}, programs)
    expect("hook.json", "replay-program", True, json.loads((KUBERNETES / "components/crio/hook.json").read_text())["replay-program"] in programs)
    agree()
    count = 0
    for name in [*BUILDS, "elsewhere"]:
        for item in everything(options.kustomize) if name == "elsewhere" else build(options.kustomize, str(KUBERNETES / name)):
            place = f"{name}: {item['kind']} {item['metadata']['name']}"
            count += 1
            schema(place, item)
            if item["kind"] == "DaemonSet":
                pods(place, item, images, programs)
            if item["metadata"]["name"] == "portcullisd":
                daemon(place, item)
            if item["kind"].endswith("Role") and re.search(r"\*|create|delete|secrets", json.dumps(item["rules"])):
                finding(place, "more than looking")
    compose(images)
    programs_agree(options.bin)
    for line in dict.fromkeys(findings):
        print(f"FAIL manifests {line}")
    if not findings:
        print(f"ok manifests {count} objects by the schemas of Kubernetes {' and '.join(VERSIONS)}; capabilities, paths, images and options agree")
    return bool(findings)


if __name__ == "__main__":
    sys.exit(main())
