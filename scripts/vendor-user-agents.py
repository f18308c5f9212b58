#!/usr/bin/env python3
"""Writes the tables by which browsers, systems, devices and bots are known, from the packages that publish them.

    scripts/vendor-user-agents.py

Reads two packages of PyPI, pinned below, through pip, and the cases that come with the crate `ua-parser`:
  src/enrich/device/rules.json.gz      the rules of uap-core (Apache-2.0), in the shape of its regexes.yaml
  src/enrich/device/crawlers.json.gz   the expressions of crawler-user-agents (MIT)
  src/enrich/device/cases.json.gz      uap-core's own tests, and the bots that each expression is for; tests only
The same packages give the same bytes. Needs PyYAML for the cases.
"""

import ast
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile
import zipfile

RULES = "ua-parser-builtins==202610"
CRAWLERS = "crawler-user-agents==1.67.0"
OUT = pathlib.Path(__file__).resolve().parent.parent / "src/enrich/device"

# The arguments of the constructors in the wheel, by the names of regexes.yaml.
SHAPES = {
    "UserAgentMatcher": (
        "user_agent_parsers",
        ["regex", "family_replacement", "v1_replacement", "v2_replacement", "v3_replacement", "v4_replacement"],
    ),
    "OSMatcher": (
        "os_parsers",
        ["regex", "os_replacement", "os_v1_replacement", "os_v2_replacement", "os_v3_replacement", "os_v4_replacement"],
    ),
    "DeviceMatcher": (
        "device_parsers",
        ["regex", "regex_flag", "device_replacement", "brand_replacement", "model_replacement"],
    ),
}


def wheel(package, folder):
    """Downloads one wheel and returns it opened."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, package]
    subprocess.run(command, check=True)
    name = package.split("==")[0].replace("-", "_")
    return zipfile.ZipFile(next(pathlib.Path(folder).glob(f"{name}-*.whl")))


def rules(folder):
    """The lists of rules, and the commit of uap-core that they are from."""
    archive = wheel(RULES, folder)
    tree = ast.parse(archive.read("ua_parser_builtins/matchers.py"))
    out = {key: [] for key, _ in SHAPES.values()}
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            key, names = SHAPES[call.func.id]
            values = dict(zip(names, (ast.literal_eval(argument) for argument in call.args)))
            values.update({named.arg: ast.literal_eval(named.value) for named in call.keywords})
            assert set(values) <= set(names), values
            out[key].append({name: value for name, value in values.items() if value is not None})
    return out, archive.read("REVISION").decode().strip()


def crawlers(folder):
    """Expression and examples of each bot."""
    archive = wheel(CRAWLERS, folder)
    name = next(name for name in archive.namelist() if name.endswith("crawler-user-agents.json"))
    return json.loads(archive.read(name))


def cases():
    """uap-core's tests, as the crate of the parser brings them along."""
    import yaml

    command = ["cargo", "metadata", "--format-version", "1", "--locked"]
    packages = json.loads(subprocess.run(command, check=True, capture_output=True, cwd=OUT).stdout)["packages"]
    manifest = next(one["manifest_path"] for one in packages if one["name"] == "ua-parser")
    tests = pathlib.Path(manifest).parent / "uap-core/tests"
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    read = lambda kind: yaml.load((tests / f"test_{kind}.yaml").read_text(), loader)["test_cases"]
    return {kind: read(kind) for kind in ("ua", "os", "device")}


def write(name, value):
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    packed = gzip.compress(text, 9, mtime=0)
    (OUT / name).write_bytes(packed)
    print(f"{name}: {len(packed)} bytes, {len(text)} unpacked")


def main():
    with tempfile.TemporaryDirectory() as folder:
        lists, revision = rules(folder)
        bots = crawlers(folder)
    print(f"uap-core {revision}: " + ", ".join(f"{len(value)} {key}" for key, value in lists.items()))
    write("rules.json.gz", lists)
    write("crawlers.json.gz", [bot["pattern"] for bot in bots])
    tests = cases()
    tests["bots"] = [instance for bot in bots for instance in bot.get("instances", [])]
    print(", ".join(f"{len(value)} cases of {kind}" for kind, value in tests.items()))
    write("cases.json.gz", tests)


if __name__ == "__main__":
    main()
