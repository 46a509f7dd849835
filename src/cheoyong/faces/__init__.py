# SPDX-License-Identifier: Apache-2.0
"""The standards we serve, one folder each."""
