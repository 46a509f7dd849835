# SPDX-License-Identifier: Apache-2.0
"""Scenarios: a real past event as a folder, to be replayed through the same door as live data."""

from cheoyong.links.scenario.parse import OfficialEvent, OfficialRecord, Peak, Scenario, Step, steps
from cheoyong.links.scenario.source import list_scenarios, load_scenario

__all__ = [
    "OfficialEvent",
    "OfficialRecord",
    "Peak",
    "Scenario",
    "Step",
    "list_scenarios",
    "load_scenario",
    "steps",
]
