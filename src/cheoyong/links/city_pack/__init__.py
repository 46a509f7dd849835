# SPDX-License-Identifier: Apache-2.0
"""The city pack: a folder of facts that makes the platform the platform of one city."""

from cheoyong.links.city_pack.source import city_folder, list_cities, load_city, map_layers

__all__ = ["city_folder", "list_cities", "load_city", "map_layers"]
