# SPDX-License-Identifier: Apache-2.0
"""Role passwords: the server is given verifiers, people and programs sign in with what they know."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode
from pathlib import Path

import asyncpg
import pytest

from cheoyong.app.engines.postgres import Postgres
from cheoyong.app.folder import DataFolder
from cheoyong.domain.errors import ConfigurationError
from cheoyong.records.connection import ROLES, Database
from cheoyong.records.migrate import migrate
from cheoyong.records.scram import scram_verifier

# The exchange printed in RFC 7677 section 3: user "user", password "pencil".
SALT, ITERATIONS = b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096
NONCE = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
EXCHANGE = (
    f"n=user,r=rOprNGfwEbeRWgbNEkqO,r={NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r={NONCE}"
).encode()
PROOF = b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
SERVER_SIGNATURE = b64decode("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")


def test_the_verifier_accepts_the_proof_and_gives_the_signature_printed_in_RFC_7677() -> None:
    scheme, salted, keys = scram_verifier("pencil", salt=SALT, iterations=ITERATIONS).split("$")
    assert (scheme, salted) == ("SCRAM-SHA-256", "4096:W22ZaJ0SNY7soEsUEjb6gQ==")
    stored_key, server_key = map(b64decode, keys.split(":"))
    assert hmac.digest(server_key, EXCHANGE, "sha256") == SERVER_SIGNATURE
    signature = hmac.digest(stored_key, EXCHANGE, "sha256")
    client_key = bytes(a ^ b for a, b in zip(PROOF, signature, strict=True))
    assert hashlib.sha256(client_key).digest() == stored_key


def test_each_verifier_has_a_salt_of_its_own() -> None:
    assert scram_verifier("pencil") != scram_verifier("pencil")


@pytest.mark.parametrize("password", ["", "처용", "two\nlines", "\u00a0"])
def test_a_password_that_clients_may_normalise_differently_is_refused(password: str) -> None:
    with pytest.raises(ConfigurationError):
        scram_verifier(password)


@pytest.mark.engines
async def test_roles_sign_in_with_passwords_that_never_reached_the_log_of_a_server_that_logs_all(
    outside_homes: Path,
) -> None:
    engine = Postgres(DataFolder(outside_homes / "data"))
    with DataFolder(outside_homes / "data").locked():
        engine.start()
        try:
            await _signed_in(engine, outside_homes / "data")
        finally:
            engine.stop()


async def _signed_in(engine: Postgres, root: Path) -> None:
    passwords = {role: f"secret '\\of$ {role}" for role in ROLES}
    database = Database(engine.dsn.replace("postgres@", "", 1).split("&passfile")[0], passwords)
    owner = await asyncpg.connect(engine.dsn)
    await owner.execute("ALTER DATABASE cheoyong SET log_statement = 'all'")
    for _ in ("creates the roles", "alters them"):
        await migrate(engine.dsn, database)
    kept = dict(
        await owner.fetch("SELECT rolname, rolpassword FROM pg_authid WHERE rolname = ANY($1)", ROLES)
    )
    assert set(kept) == set(ROLES)
    for role in ROLES:
        assert kept[role].startswith("SCRAM-SHA-256$4096:")
        signed_in = await asyncpg.connect(database.dsn, user=role, password=passwords[role])
        assert await signed_in.fetchval("SELECT current_user") == role
        await signed_in.close()
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(database.dsn, user=role, password="secret")
    await owner.close()
    said = "".join(file.read_text(errors="replace") for file in (root / "logs").iterdir() if file.is_file())
    assert said.count("PASSWORD 'SCRAM-SHA-256$") == 2 * len(ROLES), "the server logged the statements"
    assert "secret '" not in said and "secret ''" not in said
