# SPDX-License-Identifier: Apache-2.0
"""RESPOND: incidents opened, escalated, eased and closed from facts; pure."""
