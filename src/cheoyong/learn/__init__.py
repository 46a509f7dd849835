# SPDX-License-Identifier: Apache-2.0
"""Learning from what happened: scores of what was foreseen against what came. Pure."""
