# SPDX-License-Identifier: Apache-2.0
"""Screening of many streams for the unusual: members, one figure of evidence, a kept rate of alarms."""
