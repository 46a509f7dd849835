# SPDX-License-Identifier: Apache-2.0
"""Tests that look at the built console with Debian's chromium, over a server as a newcomer starts it."""
