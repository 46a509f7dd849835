# SPDX-License-Identifier: Apache-2.0
"""R9: what a wrong request about accounts, or for a CAP document, is told; the words are held here."""

from typing import Any

import httpx

from accounts_world import World, installation_fixture, world_fixture  # noqa: F401
from cheoyong.faces.cap.routes import ROUTES as CAP

NOBODY = "00000000-0000-7000-8000-000000000000"
Case = tuple[str, str, Any, str]  # method, path, body, what is told

CASES: list[Case] = [
    ("POST", "/api/people", {},
     "400 invalid_input | login | Object missing required field `login` | add it"),
    ("POST", "/api/people", b'{',
     "400 invalid_input | body | Input data was truncated | send JSON (RFC 8259) in UTF-8"),
    ("POST", "/api/people", [],
     "400 invalid_input | body | Expected `object`, got `array` | send an object"),
    ("POST", "/api/people", {"login": "A B", "name": "x", "role": "viewer"},
     "400 invalid_input | login | a login is 2-63 of a-z, 0-9, dot, dash, underscore and "
     "starts with a letter or digit |"),
    ("POST", "/api/people", {"login": "ab", "name": "x", "role": "king"},
     "400 invalid_input | role | 'king' is not a role | use one of viewer, operator, "
     "approver, administrator"),
    ("POST", "/api/people", {"login": "ab", "name": "", "role": "viewer"},
     "400 invalid_input | name | a name has 1-200 characters |"),
    ("POST", "/api/people", {"login": "ab", "name": 7, "role": "viewer"},
     "400 invalid_input | name | Expected `str`, got `int` | send text"),
    ("POST", "/api/people", {"login": "ab", "name": "x", "role": "viewer", "colour": "red"},
     "400 invalid_input | colour | Object contains unknown field `colour` | leave it out"),
    ("PATCH", f"/api/people/{NOBODY}", {"role": "viewer"},
     "404 not_found | person | no such person |"),
    ("PATCH", "/api/people/7", {"role": "viewer"},
     "404 not_found |  | Not Found |"),
    ("PATCH", f"/api/people/{NOBODY}", {"disabled": "yes"},
     "400 invalid_input | disabled | Expected `bool`, got `str` | send true or false"),
    ("POST", f"/api/people/{NOBODY}/link", {},
     "404 not_found | person | no such person |"),
    ("POST", "/api/keys", {},
     "400 invalid_input | name | Object missing required field `name` | add it"),
    ("POST", "/api/keys", {"name": "", "can_write": True},
     "400 invalid_input | name | a name has 1-200 characters |"),
    ("POST", "/api/keys", {"name": "k", "can_write": "yes"},
     "400 invalid_input | can_write | Expected `bool`, got `str` | send true or false"),
    ("POST", "/api/keys", {"name": "k", "can_write": True, "thing_id": 999999999},
     "404 not_found | thing_id | no such thing |"),
    ("DELETE", "/api/keys/999999999", None,
     "404 not_found | key | no such key in use |"),
    ("DELETE", "/api/keys/7641960709864865923072", None,
     "400 invalid_input | key_id | Expected `int` <= 9223372036854775807 | send a whole number "
     "<= 9223372036854775807"),
    ("DELETE", "/api/keys/x", None,
     "404 not_found |  | Not Found |"),
    ("POST", "/api/session", {"login": "nobody", "password": "wrong"},
     "401 not_signed_in |  | login or password is wrong | try again, or ask for a sign-in link"),
    ("POST", "/api/session", {"login": "x"},
     "400 invalid_input | password | Object missing required field `password` | add it"),
    ("POST", "/api/session/link", {"token": "wrong"},
     "401 not_signed_in | token | this link is used up, too old or unknown | ask for a new "
     "link"),
    ("POST", "/api/session/password", {"password": "short"},
     "400 invalid_input | password | it has fewer than 15 characters | use three or four "
     "unrelated words"),
    ("POST", "/api/exercise/person", {"login": "x"},
     "403 forbidden | switch_exercise_person | a administrator may not do this | ask for "
     "another role"),
    ("PUT", "/api/people", {},
     "405 method_not_allowed | method | Method Not Allowed | use GET, OPTIONS, POST"),
    ("GET", "/cap/alerts/none.xml", None,
     "404 not_found | none | nothing was published under this identifier |"),
    ("GET", "/cap/alerts/none.pdf", None,
     "404 not_found | none.pdf | a document ends in .xml |"),
    ("POST", "/cap/feed.atom", None,
     "405 method_not_allowed | method | Method Not Allowed | use GET, OPTIONS"),
    ("GET", "/nowhere", None,
     "404 not_found |  | Not Found |"),
]  # fmt: skip


def told(answer: httpx.Response) -> str:
    problem = answer.json()
    if answer.status_code == 405:  # the methods are a set
        problem["mend"] = "use " + ", ".join(sorted(problem["mend"].removeprefix("use ").split(", ")))
    assert answer.headers["content-type"] == "application/problem+json"
    members = (f"{problem['status']} {problem['code']}", problem["where"], problem["detail"], problem["mend"])
    return " | ".join(members).rstrip()


async def test_R9_a_wrong_request_about_accounts_is_told_where_what_and_how_to_mend_it(world: World) -> None:
    administrator = await world.signed_in(await world.person("administrator"))
    async with world.client(administrator, *CAP) as client:
        for method, path, body, words in CASES:
            content = {} if body is None else {"content": body} if isinstance(body, bytes) else {"json": body}
            assert told(await client.request(method, path, **content)) == words
