# SPDX-License-Identifier: Apache-2.0
"""The catalogue of what is measured: DCAT in JSON-LD."""
