# SPDX-License-Identifier: Apache-2.0
"""From the stage of a gauge to water in the streets: ground, floods, probability of depth, danger."""
