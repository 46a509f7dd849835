# SPDX-License-Identifier: Apache-2.0
"""Tests with SensorThings clients that other people wrote, against a server as a person starts it."""
