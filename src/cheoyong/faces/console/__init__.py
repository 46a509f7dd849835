# SPDX-License-Identifier: Apache-2.0
"""The face of the operator console: its JSON, its stream of events, its pages."""
