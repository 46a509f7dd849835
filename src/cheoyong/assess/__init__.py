# SPDX-License-Identifier: Apache-2.0
"""Whom an event concerns: pure functions from a city pack and a level to people and area."""
