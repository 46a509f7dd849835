# SPDX-License-Identifier: Apache-2.0
"""WARN: drafting, checking, approving and channelling alerts; pure."""
