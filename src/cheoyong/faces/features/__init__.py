# SPDX-License-Identifier: Apache-2.0
"""OGC API - Features: Things, Locations and gauges as features for maps."""
