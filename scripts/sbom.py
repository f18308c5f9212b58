#!/usr/bin/env python3
"""Writes the bill of materials of the router: every crate that its binary is built of, as CycloneDX 1.5 in JSON.

Usage: sbom.py [FILE]; without a file it is printed. Only cargo is needed. The same sources make the same bytes: there is no
date and no random number in it. Crates that only tests or other systems need are left out.
"""

import hashlib
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = "x86_64-unknown-linux-gnu"


def metadata():
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", TARGET]
    command += ["--manifest-path", str(ROOT / "Cargo.toml")]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def checksums():
    """Returns what Cargo.lock says of each crate, by name and version."""
    text = (ROOT / "Cargo.lock").read_text(encoding="utf-8")
    found = re.findall(r'name = "(.+?)"\nversion = "(.+?)"\nsource = ".+?"\nchecksum = "(.+?)"', text)
    return {(name, version): checksum for name, version, checksum in found}


def built(nodes, root):
    """Returns the ids that the root is built of, and what each of them needs."""
    needs = {}
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node in needs:
            continue
        kinds = lambda dep: {kind["kind"] for kind in dep["dep_kinds"]}
        needs[node] = sorted(dep["pkg"] for dep in nodes[node]["deps"] if kinds(dep) & {None, "build"})
        waiting.extend(needs[node])
    return needs


def purl(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component(package, sums):
    kind = "library" if package["source"] else "application"
    made = {"type": kind, "bom-ref": purl(package), "name": package["name"], "version": package["version"]}
    checksum = sums.get((package["name"], package["version"]))
    if checksum:
        made["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if package["license"]:
        made["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    return made | {"purl": purl(package)}


def bill():
    found = metadata()
    packages = {package["id"]: package for package in found["packages"]}
    nodes = {node["id"]: node for node in found["resolve"]["nodes"]}
    root = found["resolve"]["root"]
    needs = built(nodes, root)
    sums = checksums()
    order = sorted(needs, key=lambda one: (packages[one]["name"], packages[one]["version"]))
    lines = "\n".join(purl(packages[one]) for one in order)
    print_of = hashlib.sha256(lines.encode()).hexdigest()
    serial = f"{print_of[:8]}-{print_of[8:12]}-8{print_of[13:16]}-8{print_of[17:20]}-{print_of[20:32]}"
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {"component": component(packages[root], sums)},
        "components": [component(packages[one], sums) for one in order if one != root],
        "dependencies": [
            {"ref": purl(packages[one]), "dependsOn": sorted(purl(packages[need]) for need in needs[one])}
            for one in order
        ],
    }


def problems(made):
    """Says what is wrong with the shape of a bill: nothing, or something that a reader of it would stumble over."""
    components = made["components"]
    refs = [one["bom-ref"] for one in components]
    if len(refs) != len(set(refs)):
        yield "a component stands twice"
    for one in components:
        for field in ("hashes", "licenses"):
            if not one.get(field):
                yield f"{one['bom-ref']} has no {field}"
    known = {*refs, made["metadata"]["component"]["bom-ref"]}
    for one in made["dependencies"]:
        for ref in {one["ref"], *one["dependsOn"]} - known:
            yield f"{ref} is needed and is no component"
    if "pkg:cargo/actix-web@" not in "\n".join(refs) or any("/insta@" in ref for ref in refs):
        yield "it is not the bill of the router alone"


def main():
    made = bill()
    wrong = sorted(problems(made))
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return 1
    text = json.dumps(made, indent=1) + "\n"
    if len(sys.argv) > 1:
        pathlib.Path(sys.argv[1]).parent.mkdir(parents=True, exist_ok=True)
        pathlib.Path(sys.argv[1]).write_text(text, encoding="utf-8")
        print(f"sbom: {len(made['components'])} crates in {sys.argv[1]}", file=sys.stderr)
    else:
        print(text, end="")
    return 0


sys.exit(main())
