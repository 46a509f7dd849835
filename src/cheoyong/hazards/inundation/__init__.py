# SPDX-License-Identifier: Apache-2.0
"""Inundation: how deep and how soon water stands in the streets, on square cells.

``shadow``: the solvers compute, but nothing here is registered as a hazard that gives forecasts yet.
Importing this package costs nothing; :mod:`cheoyong.hazards.inundation.run` brings Numba with it.
"""
