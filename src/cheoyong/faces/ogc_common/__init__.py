# SPDX-License-Identifier: Apache-2.0
"""What the OGC API faces share: query parameters, places, landing and conformance pages, answers."""
