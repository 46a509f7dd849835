# SPDX-License-Identifier: Apache-2.0
"""Cheoyong: an open city-safety platform, from one raw observation to a delivered warning."""

__version__ = "0.1.0"
