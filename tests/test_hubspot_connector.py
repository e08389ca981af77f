"""The HubSpot connector: login, limits, errors, and the small parts."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import threading
import time
from typing import Any

import hubspot_scripted
import pytest
from hubspot_scripted import (
    COMPANIES,
    TOKEN,
    Portal,
    refusal,
    reply,
    row,
)
from pydantic import ValidationError
from werkzeug import Response

from connectors.hubspot import HubSpotConnector
from connectors.hubspot.filters import matches
from connectors.hubspot.limiter import Limiter
from connectors.hubspot.paths import Paths
from connectors.hubspot.settings import HubSpotSettings, Limits
from syncd.connector import (
    Connector,
    Source,
)
from syncd.errors import (
    AccessError,
    AllowanceError,
    LoginError,
    UnreachableError,
)

https, portal, hubspot = hubspot_scripted.https, hubspot_scripted.portal, hubspot_scripted.hubspot

PER_SECOND = {"x-hubspot-ratelimit-interval-milliseconds": "1000"}


def test_is_a_connector(hubspot: HubSpotConnector) -> None:
    """The class fulfils the protocol and knows its portal once it is open."""
    assert isinstance(hubspot, Connector)
    assert hubspot.identity() == "7"
    assert hubspot.record_url("companies", "5") == (
        "https://app.hubspot.com/contacts/7/record/0-2/5"
    )
    assert hubspot.record_url("tasks", "5") == "https://app.hubspot.com/tasks/7/view/all/task/5"
    assert hubspot.record_url("owners", "5") == ""


def test_importing_the_connector_does_not_import_the_sdk() -> None:
    """`syncd --help` pays nothing for the SDK."""
    code = "import connectors.hubspot, sys; print('hubspot' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"base_url": "http://api.hubapi.com"}, "plain http:// would show the access token"),
        ({"base_url": "hubapi"}, "must be an address"),
        ({"auth": {}}, "needs access_token"),
        ({"auth": {"flow": "oauth", "client_id": "x"}}, "needs client_secret and refresh_token"),
        ({"portal": 7}, "Extra inputs"),
        ({"limits": {"daily_share": 0}}, "greater than 0"),
    ],
)
def test_wrong_settings_are_named(values: dict[str, Any], words: str) -> None:
    """Each mistake in a connection's settings is told in words, and no secret with it."""
    with pytest.raises(ValidationError) as caught:
        HubSpotSettings.model_validate({"auth": {"access_token": TOKEN}, **values})

    assert words in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_a_refused_token_is_a_login_error_without_the_token(portal: Portal) -> None:
    """A 401 is tried once more and then told, and the token is in no message."""
    portal.on(
        "GET /account-info/v3/details",
        refusal(401, f"bad token {TOKEN}", "INVALID_AUTHENTICATION"),
    )

    with pytest.raises(LoginError, match=r"access_token.*abc-1") as caught:
        portal.connect().open()

    assert TOKEN not in str(caught.value)
    assert len(portal.seen) == 2


def test_a_passing_401_does_no_harm(portal: Portal) -> None:
    """HubSpot refuses a good token now and then; the second try counts."""
    portal.on(
        "GET /account-info/v3/details",
        refusal(401, "no", "INVALID_AUTHENTICATION"),
        reply({"portalId": 7}),
    )
    connector = portal.connect()
    connector.open()

    assert connector.identity() == "7"


def test_another_portal_than_the_configured_one_is_refused(portal: Portal) -> None:
    """portal_id guards against a token of the wrong portal."""
    with pytest.raises(LoginError, match=r"portal 7, but portal_id in config\.toml says 8"):
        portal.connect(portal_id=8).open()


def test_a_missing_scope_is_named_with_its_click_path(
    portal: Portal, hubspot: HubSpotConnector
) -> None:
    """A 403 names the scope and where to grant it."""
    portal.on(
        "GET /crm/v3/properties/deals",
        refusal(
            403,
            "This app hasn't been granted all required scopes",
            "MISSING_SCOPES",
            errors=[{"message": "x", "context": {"requiredScopes": ["crm.objects.deals.read"]}}],
        ),
    )

    with pytest.raises(AccessError, match=r"The scope crm\.objects\.deals\.read is missing") as e:
        hubspot.schema("deals")

    assert e.value.object == "deals"
    assert "Settings > Integrations" in e.value.remedy


def test_an_unknown_object_is_an_access_error(portal: Portal, hubspot: HubSpotConnector) -> None:
    """Both ways in which HubSpot disowns an object cost that object only."""
    portal.on(
        "GET /crm/v3/properties/butterflies",
        reply({"status": "error", "message": "Unable to infer object type from: butterflies"}, 400),
    )

    for name in ("butterflies", "moths"):
        with pytest.raises(AccessError) as caught:
            hubspot.schema(name)
        assert caught.value.object == name


def test_a_burst_is_waited_out(portal: Portal, hubspot: HubSpotConnector) -> None:
    """A 429 of the ten-second limit is repeated after the wait that HubSpot names."""
    burst = reply(
        {
            "message": "You have reached your ten_secondly_rolling limit.",
            "errorType": "RATE_LIMIT",
            "policyName": "TEN_SECONDLY_ROLLING",
        },
        429,
        {"Retry-After": "0"},
    )
    portal.on("GET /crm/v3/objects/companies", burst, reply({"results": [row(1, name="A")]}))

    pages = list(hubspot.pull(COMPANIES, None))

    assert [r.id for page in pages for r in page.records] == ["1"]
    assert hubspot.calls.read == 2


def test_the_daily_limit_stops_the_run(portal: Portal, hubspot: HubSpotConnector) -> None:
    """A 429 of the day is not repeated."""
    portal.on(
        "GET /crm/v3/objects/companies",
        reply({"message": "You have reached your daily limit.", "policyName": "DAILY"}, 429),
    )

    with pytest.raises(AllowanceError, match="used up"):
        list(hubspot.pull(COMPANIES, None))
    assert hubspot.calls.read == 1


def test_syncd_stops_at_its_share_of_the_day(portal: Portal) -> None:
    """Calls cease when everybody's use has reached syncd's share; opening anew asks again."""
    spent = {
        "X-HubSpot-RateLimit-Daily": "1000",
        "X-HubSpot-RateLimit-Daily-Remaining": "500",
    }
    portal.on("GET /account-info/v3/details", reply({"portalId": 7}, headers=spent))
    connector = portal.connect()
    connector.open()

    assert connector.allowance().left == 0
    with pytest.raises(AllowanceError, match="500 of 1000"):
        list(connector.pull(COMPANIES, None))
    connector.open()


def test_the_allowance_is_asked_for_where_headers_are_silent(
    portal: Portal, hubspot: HubSpotConnector
) -> None:
    """The usage report of private apps stands in for headers; without both it is unknown."""
    unknown = hubspot.allowance()
    portal.on(
        "GET /account-info/v3/api-usage/daily/private-apps",
        reply({"results": [{"usageLimit": 1000, "currentUsage": 100}]}),
    )

    again = hubspot.allowance()
    hubspot.open()

    assert unknown.left is again.left is None
    assert hubspot.allowance().left == 400


def test_a_page_of_a_proxy_is_no_answer(portal: Portal, hubspot: HubSpotConnector) -> None:
    """HTML with status 200 is repeated instead of being taken for an empty list."""
    html = Response("<html><b>Maintenance</b></html>", content_type="text/html")
    portal.on("GET /crm/v3/objects/companies", html, reply({"results": [row(1)]}))

    pages = list(hubspot.pull(COMPANIES, None))

    assert len(pages[0].records) == 1


def test_a_redirect_is_not_followed(portal: Portal, hubspot: HubSpotConnector) -> None:
    """The token goes to no other host."""
    portal.on(
        "GET /crm/v3/objects/companies",
        Response("", status=302, headers={"Location": f"{portal.url}/elsewhere"}),
    )

    with pytest.raises(UnreachableError, match="check base_url"):
        list(hubspot.pull(COMPANIES, None))
    assert portal.seen[-1][0] == "GET /crm/v3/objects/companies"


def test_an_untrusted_certificate_is_told_at_once(portal: Portal) -> None:
    """Without the CA nothing is sent, and the message names ca_file."""
    with pytest.raises(UnreachableError, match="ca_file"):
        portal.connect(ca_file="").open()
    assert portal.seen == []


def test_oauth_tokens_are_renewed_by_the_clock_and_after_a_401(portal: Portal) -> None:
    """A token is got first, used, and exchanged when HubSpot refuses it."""
    portal.on(
        "POST /oauth/v1/token",
        reply({"access_token": "one", "expires_in": 1800}),
        reply({"access_token": "two", "expires_in": 1800}),
    )
    portal.on(
        "GET /account-info/v3/details",
        reply({"portalId": 7}),
        refusal(401, "expired", "EXPIRED_AUTHENTICATION"),
        reply({"portalId": 7}),
    )
    auth = {"flow": "oauth", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
    connector = portal.connect(auth=auth)
    connector.open()
    connector.open()

    assert portal.tokens == ["", "Bearer one", "Bearer one", "", "Bearer two"]
    assert portal.bodies("POST /oauth/v1/token")[0]["grant_type"] == "refresh_token"


def test_an_oauth_token_is_renewed_before_it_expires(portal: Portal) -> None:
    """By the clock, two minutes early: HubSpot is never asked with a token that has run out."""
    portal.on(
        "POST /oauth/v1/token",
        reply({"access_token": "one", "expires_in": 1800}),
        reply({"access_token": "two", "expires_in": 1800}),
    )
    portal.on("GET /account-info/v3/details", reply({"portalId": 7}))
    auth = {"flow": "oauth", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
    connector = portal.connect(auth=auth)
    clock = [0.0]
    connector._session._clock = lambda: clock[0]
    for seconds in (0.0, 1679.0, 1681.0):
        clock[0] = seconds
        connector.open()

    assert portal.tokens == ["", "Bearer one", "Bearer one", "", "Bearer two"]


def test_a_bad_refresh_token_is_a_login_error(portal: Portal) -> None:
    """A refusal to renew ends in words, without the secrets."""
    portal.on("POST /oauth/v1/token", refusal(400, "bad", "BAD_REFRESH_TOKEN"))
    auth = {"flow": "oauth", "client_id": "c", "client_secret": "hush", "refresh_token": "hush2"}

    with pytest.raises(LoginError, match="refresh_token") as caught:
        portal.connect(auth=auth).open()
    assert "hush" not in str(caught.value).replace("refresh_token", "")


def test_check_names_missing_scopes(portal: Portal, hubspot: HubSpotConnector) -> None:
    """The token's own scopes are compared with those that syncd needs."""
    portal.on(
        "POST /oauth/v2/private-apps/get/access-token-info",
        reply({"scopes": ["crm.objects.companies.read", "crm.objects.contacts.read"]}),
    )

    notes = list(hubspot.check())
    errors = [note for note in notes if note.severity == "error"]

    assert any("crm.objects.deals.read" in note.text and note.remedy for note in errors)
    assert TOKEN not in str(notes)


def test_filters_are_judged_only_where_sure() -> None:
    """What only HubSpot can tell is left open, and case does not matter."""
    held = {"stage": "Customer", "n": "10.0", "key": ""}

    def judge(name: str, operator: str, **rest: Any) -> bool | None:
        return matches(({"propertyName": name, "operator": operator, **rest},), held)

    assert judge("stage", "EQ", value="customer") is True
    assert judge("stage", "IN", values=["lead"]) is False
    assert judge("n", "EQ", value="10") is None
    assert judge("n", "GT", value="1") is None
    assert judge("key", "HAS_PROPERTY") is False
    assert judge("absent", "HAS_PROPERTY") is None


def test_the_limiter_keeps_a_rolling_window() -> None:
    """Never more calls than granted in ten seconds, nor searches in one."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    limiter = Limiter(Limits(requests_per_10_seconds=10), clock=lambda: now[0], sleep=sleep)
    for _ in range(18):
        limiter.wait()
    plain = now[0]
    for _ in range(9):
        limiter.wait(search=True)

    assert 10 <= plain < 10.1
    assert now[0] >= plain + 10


@pytest.mark.parametrize(
    ("headers", "calls"),
    [
        ({"x-hubspot-ratelimit-max": "190"}, 171),
        ({"x-hubspot-ratelimit-max": "11", **PER_SECOND}, 99),
        ({}, 90),
    ],
)
def test_the_limiter_takes_what_headers_grant(headers: dict[str, str], calls: int) -> None:
    """A tenth less than what the answers grant; before any answer, than the smallest grant."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    limiter = Limiter(Limits(), clock=lambda: now[0], sleep=sleep)
    limiter.heed(headers)
    made = 0
    while not now[0]:
        limiter.wait()
        made += 1

    assert made == calls + 1


def test_connections_of_one_login_share_their_limits(portal: Portal) -> None:
    """HubSpot counts by app and account; another token has limits of its own."""
    headers = {"X-HubSpot-RateLimit-Daily": "1000", "X-HubSpot-RateLimit-Daily-Remaining": "300"}
    portal.on(
        "GET /account-info/v3/details",
        reply({"portalId": 7}, headers=headers),
        reply({"portalId": 7}),
    )
    one, two = portal.connect(), portal.connect()
    other = portal.connect(auth={"access_token": "pat-another"})
    for connector in (one, two, other):
        connector.open()

    assert one._door.limiter is two._door.limiter
    assert two.allowance().used == 700
    assert other.allowance().used is None


def test_threads_take_turns() -> None:
    """Eight threads together make no more calls than one may."""
    taken: list[float] = []
    limiter = Limiter(Limits(searches_per_second=5, requests_per_10_seconds=1_000))

    def call() -> None:
        for _ in range(2):
            limiter.wait(search=True)
            taken.append(time.monotonic())

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken.sort()

    assert len(taken) == 16
    assert all(later - earlier >= 0.95 for earlier, later in zip(taken, taken[5:], strict=False))


def test_dated_paths_are_one_setting() -> None:
    """A dated API version swaps every path."""
    dated = Paths("2026-09")

    assert dated.batch("deals", "read") == "/crm/objects/2026-09/deals/batch/read"
    assert dated.associations("deals", "0-2") == "/crm/associations/2026-09/deals/0-2"
    assert dated.token() == "/oauth/2026-09/token"
    assert dated.owners() == "/crm/owners/2026-09"


def test_compressed_answers_are_read(portal: Portal, hubspot: HubSpotConnector) -> None:
    """Pages come gzipped, which is asked for; errors too."""
    headers = {"Content-Encoding": "gzip"}
    listed = gzip.compress(json.dumps({"results": [row(1)]}).encode())
    refused = gzip.compress(b'{"message": "no such thing", "category": "VALIDATION_ERROR"}')
    portal.on("GET /crm/v3/objects/companies", Response(listed, headers=headers))
    portal.on("GET /crm/v3/objects/deals", Response(refused, status=400, headers=headers))
    deals = Source(name="d", object="deals", fields=())

    assert [r.id for p in hubspot.pull(COMPANIES, None) for r in p.records] == ["1"]
    with pytest.raises(AccessError, match="no such thing"):
        list(hubspot.pull(deals, None))


def test_an_error_page_in_another_encoding_is_told(
    portal: Portal, hubspot: HubSpotConnector
) -> None:
    """The SDK stumbles over bodies that are not UTF-8; syncd does not."""
    portal.on(
        "GET /crm/v3/objects/companies",
        Response("<h1>Zugriff verweigert: ungültig</h1>".encode("latin-1"), status=400),
    )

    with pytest.raises(AccessError, match="Zugriff verweigert"):
        list(hubspot.pull(COMPANIES, None))
