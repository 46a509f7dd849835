# SPDX-License-Identifier: Apache-2.0
"""The system of record: PostgreSQL schema, migrations, one small repository per noun."""
