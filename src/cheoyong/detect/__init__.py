# SPDX-License-Identifier: Apache-2.0
"""Streaming screening: quality flags of observations, and alarms on levels, silence and faults."""
