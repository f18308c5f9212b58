"""Sends the calls with analytics-python, the predecessor of segment-analytics-python, set up as its README says."""

import os

import analytics
import calls

analytics.host = os.environ["HOST"]
calls.send(analytics)
