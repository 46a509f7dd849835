# SPDX-License-Identifier: Apache-2.0
"""An elevation model that somebody brings as GeoTIFF: the ground that floods are computed on."""

from cheoyong.links.elevation.source import Elevation, read_elevation

__all__ = ["Elevation", "read_elevation"]
