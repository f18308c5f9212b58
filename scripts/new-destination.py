#!/usr/bin/env python3
"""Starts a new destination: copies templates/destination to src/destinations/NAME, with the names replaced, and adds its line
to the registry.

What comes out compiles and passes its own tests and the conformance tests; then it is changed, file by file, into the
destination that it is to be (docs/destinations/writing-one.md). An existing destination or module is never touched.
"""

import pathlib
import re
import sys

TEMPLATE = "parrot"
# Words of the language, which no module can be named.
RESERVED = set(
    """abstract as async await become box break const continue crate do dyn else enum extern false final fn for gen if impl
    in let loop macro match mod move mut override priv pub ref return self static struct super trait true try type typeof
    unsafe unsized use virtual where while yield""".split()
)
USAGE = "usage: new-destination.py NAME [ROOT]   (NAME as in the configuration: acme, acme_ads)"


def main(arguments):
    if len(arguments) not in (1, 2):
        sys.exit(USAGE)
    name = arguments[0]
    root = pathlib.Path(arguments[1] if len(arguments) == 2 else pathlib.Path(__file__).resolve().parent.parent)
    rooms = root / "src" / "destinations"
    registry = rooms / "mod.rs"
    text = registry.read_text(encoding="utf-8")
    refuse(name, rooms, text)
    lined = with_line(text, name)
    for source in files(root / "templates" / "destination"):
        target = rooms / name / source.relative_to(root / "templates" / "destination")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(renamed(source.read_text(encoding="utf-8"), name), encoding="utf-8")
    registry.write_text(lined, encoding="utf-8")
    print(told(name))


def refuse(name, rooms, registry):
    """Ends with a message when the name cannot be taken."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or name in RESERVED:
        sys.exit(f"`{name}` is no name for a destination: lower case letters, digits and single underscores\n{USAGE}")
    declared = re.search(rf"\bmod {name};|^ +{name}: ", registry, flags=re.M)
    if declared or (rooms / name).exists() or (rooms / f"{name}.rs").exists():
        sys.exit(f"src/destinations has a module `{name}` already")


def with_line(text, name):
    """Returns the registry with the destination's line at its end."""
    head, begin, rest = text.partition("\nregistry! {\n")
    lines, end, tail = rest.partition("\n}\n")
    if not begin or not end:
        sys.exit("src/destinations/mod.rs has no `registry! { … }`")
    return f"{head}{begin}{lines}\n    {name}: {name}::{camel(name)},{end}{tail}"


def files(folder):
    """Returns the files of the template, in order; an editor's leavings are none of it."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def renamed(text, name):
    """Returns the text with each spelling of the template's name replaced by the same spelling of this one."""
    text = re.sub(r"//!\n//! Parrot is made up.*?\n\n", "\n", text, flags=re.S)
    hyphened = name.replace("_", "-")
    text = re.sub(rf"\b((?:api\.)?){TEMPLATE}(?=\.example\b)", rf"\g<1>{hyphened}", text)
    for old, new in [(TEMPLATE, name), (TEMPLATE.capitalize(), camel(name)), (TEMPLATE.upper(), name.upper())]:
        text = text.replace(old, new)
    return text


def camel(name):
    return "".join(part.capitalize() for part in name.split("_"))


def told(name):
    folder = f"src/destinations/{name}"
    return f"""{folder} is there, and in the registry. It is still the template's API under another name. Next:
  cargo nextest run {name} conformance     passes now, and should after every step
  config.rs, mod.rs                        settings, ABOUT, patience
  map.rs, plan.rs                          events become requests
  judge.rs                                 answers become outcomes
  mock.rs                                  refuse what the real one refuses
  guide.md                                 what the page tells
  make gen, CHANGELOG.md                   config.toml, README and the page are written from the above
docs/destinations/writing-one.md tells what each has to promise."""


if __name__ == "__main__":
    main(sys.argv[1:])
