# SPDX-License-Identifier: Apache-2.0
"""OGC API - Environmental Data Retrieval: the same observations by place and time."""
