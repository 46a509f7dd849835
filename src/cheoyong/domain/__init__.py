# SPDX-License-Identifier: Apache-2.0
"""The nouns of city safety, on the standard library and NumPy only."""
