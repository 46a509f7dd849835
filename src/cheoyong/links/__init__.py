# SPDX-License-Identifier: Apache-2.0
"""One folder per outside system we read from or send to; none knows another."""
