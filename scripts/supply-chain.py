#!/usr/bin/env python3
"""Checks every crate of Cargo.lock: a licence that MIT software may carry, one registry as its source, nothing banned;
and that each dependency of Cargo.toml is named in the code.

deny.toml says the same to cargo-deny, which is run before a release; this needs nothing but cargo and runs in a second.
"""

import json
import pathlib
import re
import subprocess
import sys
from collections import defaultdict

LICENCES = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0",
    "CDLA-Permissive-2.0", "ISC", "MIT", "MIT-0", "Unicode-3.0", "Unlicense", "Zlib",
}
BANNED = {
    "openssl-sys": "one TLS stack: rustls, and OpenSSL only for Kafka where `kafka-tls` asks for it",
    "native-tls": "one TLS stack: rustls",
    "aws-lc-rs": "one provider of cryptography: ring",
    "actix-governor": "its licence is GPL",
}
BANNED_VERSIONS = {("h2", "0.3."): "has an unpatched advisory; build actix-web without http2"}
# What may come with all features and not with the default ones.
OPTIONAL = {"openssl-sys"}
# The router, and the driver of a client library that only the tests build.
PROJECTS = (".", "tests/it/sdk/rust")
SINGLE = {"reqwest", "hyper", "rustls", "tokio", "ring"}


def allowed(expression):
    """Returns whether an SPDX expression can be met with the allowed licences alone."""
    text = (expression or "").replace("/", " OR ")
    parts = re.split(r"(\(|\)|\bAND\b|\bOR\b)", text)
    words = {"(": "(", ")": ")", "AND": "and", "OR": "or"}
    terms = [words.get(part.strip(), str(part.strip() in LICENCES)) for part in parts if part.strip()]
    return bool(terms) and eval(" ".join(terms), {"__builtins__": {}})  # only True, False, and, or, brackets


def problems(packages, may=frozenset()):
    """Says what is wrong with these crates; those in `may` are not held for banned."""
    foreign = [package for package in packages if package["source"]]
    sources = {package["source"] for package in foreign}
    if len(sources) > 1 or any(not source.startswith("registry+") for source in sources):
        yield f"more than one registry: {', '.join(sorted(sources))}"
    versions = defaultdict(list)
    for package in foreign:
        name, version, licence = package["name"], package["version"], package["license"]
        versions[name].append(version)
        if not allowed(licence):
            yield f"{name} {version}: licence `{licence}` is not on the list"
        if name in BANNED and name not in may:
            yield f"{name} {version}: {BANNED[name]}"
        for (banned, prefix), reason in BANNED_VERSIONS.items():
            if name == banned and version.startswith(prefix):
                yield f"{name} {version}: {reason}"
    for name in SINGLE & versions.keys():
        if len(versions[name]) > 1:
            yield f"{name} is there more than once: {', '.join(versions[name])}"


def unused(package):
    root = pathlib.Path(package["manifest_path"]).parent
    files = [file for folder in ("src", "tests", "benches") for file in (root / folder).rglob("*.rs")]
    others = [root / project for project in PROJECTS if (root / project) != root]
    files = [file for file in files if not any(file.is_relative_to(other) for other in others)]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    for dependency in package["dependencies"]:
        name = (dependency["rename"] or dependency["name"]).replace("-", "_")
        if not re.search(rf"\b{name}(::|!)|\buse {name}\b", text):
            yield f"{dependency['name']}: a dependency that no code names"


def crates(project, *features):
    """Returns the crates that a project is built of, itself among them."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1", *features]
    command += ["--manifest-path", f"{project}/Cargo.toml"]
    metadata = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    # `packages` also names what a feature that is off would bring.
    built = {node["id"] for node in metadata["resolve"]["nodes"]}
    return [package for package in metadata["packages"] if package["id"] in built]


def check(project):
    """Returns how many crates a project has and what there is to object to."""
    everything, usual = crates(project, "--all-features"), crates(project)
    own = next(package for package in everything if not package["source"])
    found = {*problems(everything, OPTIONAL), *problems(usual), *unused(own)}
    return len(everything), sorted(found)


counts, found = zip(*map(check, PROJECTS))
found = sum(found, [])
print("\n".join(found) or f"supply chain: {' and '.join(map(str, counts))} crates, nothing to object to")
sys.exit(1 if found else 0)
