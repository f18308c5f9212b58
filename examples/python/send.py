"""Sends one event with segment-analytics-python. `pip install -r requirements.txt`, then run it beside a running router."""

import os
import sys

import segment.analytics as analytics

errors = []
analytics.write_key = os.environ.get("WRITE_KEY", "dev")
analytics.host = os.environ.get("OPENTRACK", "http://127.0.0.1:3000")
analytics.on_error = lambda error, items: errors.append(error)

analytics.identify("u1", {"plan": "pro"})
analytics.track("u1", "Order Completed", {"revenue": 42.5, "currency": "EUR"})
analytics.shutdown()
sys.exit(f"not accepted: {errors[0]}" if errors else 0)
