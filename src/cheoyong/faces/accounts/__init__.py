# SPDX-License-Identifier: Apache-2.0
"""Accounts over HTTP: signing in and out, people, API keys."""
