# SPDX-License-Identifier: Apache-2.0
"""The room that knows all the others: settings, engines, processes and how they are wired."""
