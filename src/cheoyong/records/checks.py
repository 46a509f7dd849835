# SPDX-License-Identifier: Apache-2.0
"""How far the checks have come: observations below this id have been judged, and none spoken against passes.

Ids are handed out in blocks, so with several writers a judged observation may still read as not
evaluated for a moment; never the other way round.
"""

from __future__ import annotations

# 0 when nothing has been checked yet; beyond every id when nothing waits.
UNCHECKED_FROM = """(
  SELECT CASE WHEN c.batch IS NULL THEN 0 ELSE coalesce(
    (SELECT min(b.first_id) FROM batch_visible b WHERE b.count > 0 AND b.number > c.batch),
    9223372036854775807) END
  FROM (SELECT max(batch) AS batch FROM checked WHERE stage = 'pipeline') c)"""
