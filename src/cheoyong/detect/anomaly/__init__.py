# SPDX-License-Identifier: Apache-2.0
"""Screening of many streams for the unusual: members, one calibrated tail probability, one pass a batch."""
