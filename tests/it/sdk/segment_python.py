"""Sends the calls with segment-analytics-python, set up as its README says, and prints how many were acknowledged."""

import datetime
import json
import os
import sys

import segment.analytics as analytics


def revive(value):
    if "$date" in value:
        return datetime.datetime.fromisoformat(value["$date"].replace("Z", "+00:00"))
    return value


def snake(name):
    return "".join("_" + c.lower() if c.isupper() else c for c in name)


def main():
    with open(os.path.join(os.environ["SDK_FIXTURES"], "calls.json"), encoding="utf-8") as file:
        text = file.read().replace("PREFIX", os.environ["PREFIX"])
    calls = json.loads(text, object_hook=revive)
    errors = []
    analytics.write_key = "any-key"
    analytics.host = os.environ["HOST"]
    analytics.max_retries = 0
    analytics.on_error = lambda error, items: errors.append(str(error))
    for call in calls:
        send = getattr(analytics, call.pop("type"))
        send(**{snake(name): value for name, value in call.items()})
    analytics.shutdown()
    print(json.dumps({"sent": len(calls), "errors": errors}))
    return 1 if errors else 0


sys.exit(main())
