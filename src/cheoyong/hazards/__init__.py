# SPDX-License-Identifier: Apache-2.0
"""Hazards: one folder per hazard, each found through the entry-point group ``cheoyong.hazards``."""
