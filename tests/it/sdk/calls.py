"""Makes the calls with a Python client of Segment's shape, and prints which were acknowledged."""

import datetime
import json
import os
import sys


def revive(value):
    if "$date" in value:
        return datetime.datetime.fromisoformat(value["$date"].replace("Z", "+00:00"))
    return value


def snake(name):
    return "".join("_" + c.lower() if c.isupper() else c for c in name)


def load():
    """Returns the calls, with real dates and with ids of this run."""
    with open(os.path.join(os.environ["SDK_FIXTURES"], "calls.json"), encoding="utf-8") as file:
        return json.loads(file.read().replace("PREFIX", os.environ["PREFIX"]), object_hook=revive)


def send(analytics):
    """Makes all calls, waits for the client to end, and prints which it delivered and which it gave up."""
    failed = []

    def give_up(error, items):
        print(error, file=sys.stderr)
        failed.extend(item["messageId"] for item in items)

    analytics.write_key = "any-key"
    analytics.on_error = give_up
    ids = []
    for call in load():
        ids.append(call["messageId"])
        make = getattr(analytics, call.pop("type"))
        make(**{snake(name): value for name, value in call.items()})
    analytics.shutdown()
    print(json.dumps({"delivered": [one for one in ids if one not in failed], "failed": failed}))
