# SPDX-License-Identifier: Apache-2.0
"""Bulk doors: observations by the million as Arrow IPC and Parquet."""
