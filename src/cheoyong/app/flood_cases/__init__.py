# SPDX-License-Identifier: Apache-2.0
"""Floods that were measured, in a street, a tank and a valley: what the inundation solvers make of them."""
