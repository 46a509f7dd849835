# SPDX-License-Identifier: Apache-2.0
"""Inundation: how deep and how soon water stands in the streets, on square cells.

``shadow``: people may look at what it says, nothing acts on it.
Importing this package costs nothing; :mod:`cheoyong.hazards.inundation.run` brings Numba with it.
"""
