# SPDX-License-Identifier: Apache-2.0
"""The stages in order: read facts, call the pure stage, write facts, move the bookmark."""
