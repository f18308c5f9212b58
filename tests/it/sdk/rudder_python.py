"""Sends the calls with rudder-sdk-python, set up as its README says."""

import os

import calls
import rudderstack.analytics as analytics

analytics.dataPlaneUrl = os.environ["HOST"]
calls.send(analytics)
