"""Sends the calls with segment-analytics-python, set up as its README says."""

import os

import calls
import segment.analytics as analytics

analytics.host = os.environ["HOST"]
calls.send(analytics)
