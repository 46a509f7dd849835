# SPDX-License-Identifier: Apache-2.0
"""OGC SensorThings API 1.1 (18-088), Part 1: Sensing, over HTTP."""
