# SPDX-License-Identifier: Apache-2.0
"""Hourly records as CSV: a time column and one column for each series, as river agencies hand them out."""
