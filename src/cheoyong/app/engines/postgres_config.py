# SPDX-License-Identifier: Apache-2.0
"""The embedded PostgreSQL's settings: durable first, sized for the machine it finds."""

from __future__ import annotations

from pathlib import Path

MEBIBYTE = 1 << 20

HBA = """\
# Written by cheoyong at every start. A password over the private socket is the only way in.
local all all scram-sha-256
"""

_FIXED = {
    # An acknowledged observation survives a power cut.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_level": "replica",
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "max_connections": "100",
    "max_wal_senders": "4",
    # Few, spread checkpoints: bulk ingest otherwise writes each page in full again and again.
    "checkpoint_timeout": "10min",
    "checkpoint_completion_target": "0.9",
    "min_wal_size": "256MB",
    "max_wal_size": "2GB",
    "jit": "off",  # our statements are short; compiling them costs more than running them
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "on",
    "log_filename": "postgres-%a.log",  # one a weekday, overwritten: seven files at most
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",  # a refused statement may carry personal data or a secret
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_checkpoints": "off",
}


def settings_text(*, socket_dir: Path, log_dir: Path, port: int, memory_bytes: int) -> str:
    """``postgresql.conf`` as text.

    ``memory_bytes`` is the machine's RAM: a quarter, between 128 MiB and 1 GiB, becomes the shared buffers.

    >>> text = settings_text(socket_dir=Path("/r"), log_dir=Path("/l"), port=5432, memory_bytes=2 << 30)
    >>> [line for line in text.splitlines() if line.startswith("shared_buffers")]
    ["shared_buffers = '512MB'"]
    """
    sized = {
        "unix_socket_directories": str(socket_dir),
        "log_directory": str(log_dir),
        "port": str(port),
        "shared_buffers": f"{shared_buffers_mib(memory_bytes)}MB",
        "effective_cache_size": f"{max(256, memory_bytes // 2 // MEBIBYTE)}MB",
        "maintenance_work_mem": f"{max(64, min(512, memory_bytes // 32 // MEBIBYTE))}MB",
    }
    lines = [f"{name} = '{_quoted(value)}'" for name, value in {**_FIXED, **sized}.items()]
    return "# Written by cheoyong at every start; changes here are lost.\n" + "\n".join(lines) + "\n"


def shared_buffers_mib(memory_bytes: int) -> int:
    """A quarter of RAM, at least 128 MiB and at most 1 GiB: the rest of a laptop belongs to its owner.

    >>> shared_buffers_mib(256 << 20), shared_buffers_mib(2 << 30), shared_buffers_mib(64 << 30)
    (128, 512, 1024)
    """
    return max(128, min(1024, memory_bytes // 4 // MEBIBYTE))


def _quoted(value: str) -> str:
    return value.replace("'", "''")
