"""Webhooks of segments: addresses, signature, retries, order, consent; with real servers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
import ssl
import threading
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cdp import consent, segments
from cdp.segments import addresses, deliver, hooks
from cdp.segments.addresses import RefusedAddress, Target
from storage import utc_now, write
from tests.cdp.shoppers import ALL, Shopper

SPORTY = 'tag("兴趣:运动装备")'
PUBLIC = "93.184.216.34"
REAL = addresses.target
# fmt: off
NOT_PUBLIC = (
    "127.0.0.1", "10.0.0.1", "172.16.5.5", "192.168.1.1", "169.254.169.254", "100.100.100.200",
    "0.0.0.0", "224.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "::1", "::", "fe80::1",
    "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a00:1::",
    "2001:0:53aa:64c::1", "2001:db8::1",
)
REFUSED = (
    "http://x.example/", "ftp://x.example/", "file:///etc/passwd", "//x.example/", "https:///path",
    "https://user:pw@x.example/", "https://x.example:99999/", "https://[::1", "javascript:alert(1)",
    "https://x .example/", "https://x.example/\r\nhost: y", "",
)
# fmt: on


class Receiver:
    """A real HTTP server on loopback that keeps what it got and answers with `status`."""

    def __init__(self, certificate=None):
        self.got: list[tuple[dict, bytes]] = []
        self.status = 204
        self.thinks = lambda: None
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def _handler(self):
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.got.append((dict(self.headers), body))
                receiver.thinks()
                self.send_response(receiver.status)
                if receiver.status == 302:
                    self.send_header("location", f"http://127.0.0.1:{receiver.port}/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        return Handler

    def aim(self, url: str) -> Target:
        """This server for any URL that is allowed; without TLS, which has tests of its own."""
        found = addresses.target(url)
        return Target(found.host, "127.0.0.1", self.port, False, found.path)

    @property
    def bodies(self) -> list[dict]:
        return [json.loads(body) for _, body in self.got]


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def segment(database, monkeypatch):
    """A segment; names of hosts lead to a public address."""

    def named(url: str) -> Target:
        """The real check; only the name server is left out."""
        numeric = url.startswith("https://127.")
        return REAL(url) if numeric else REAL(url, resolver=lambda host, port: [PUBLIC])

    monkeypatch.setattr(addresses, "target", named)
    return segments.save("运动客", SPORTY)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_addresses_that_are_not_public(address):
    with pytest.raises(RefusedAddress, match="expected a public address"):
        addresses.target("https://hooks.example.com/in", lambda host, port: [address])


@pytest.mark.parametrize("address", [PUBLIC, "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses(address):
    found = addresses.target("https://hooks.example.com:8443/in?a=1", lambda host, port: [address])
    assert found == Target("hooks.example.com", address, 8443, True, "/in?a=1")


def test_one_private_address_among_public_ones_is_enough():
    with pytest.raises(RefusedAddress):
        addresses.target("https://x.example", lambda host, port: [PUBLIC, "127.0.0.1"])


@pytest.mark.parametrize("url", REFUSED)
def test_urls_that_are_refused(url, monkeypatch):
    monkeypatch.delenv("QUDAO_DEMO", raising=False)
    with pytest.raises(RefusedAddress):
        addresses.target(url, lambda host, port: [PUBLIC])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "0"])
def test_ways_to_write_this_machine(host):
    with pytest.raises((RefusedAddress, OSError)):
        addresses.target(f"https://{host}/")


def test_a_demonstration_may_do_without_tls_but_not_without_a_public_address(monkeypatch):
    monkeypatch.setenv("QUDAO_DEMO", "1")
    assert not addresses.target("http://x.example/", lambda host, port: [PUBLIC]).secure
    with pytest.raises(RefusedAddress):
        addresses.target("http://x.example/", lambda host, port: ["127.0.0.1"])


def hooked(segment, outside=False) -> tuple[hooks.Hook, str]:
    return hooks.add(segment.id, "https://hooks.example.com/in", outside=outside)


def test_changes_of_members_are_told_signed(segment, receiver):
    _, secret = hooked(segment)
    demo = Shopper("demo").looks("running_shoes").known_by()
    person = demo.person
    segments.rebuild([segment])
    assert deliver.run(utc_now(), receiver.aim) == {"sent": 1, "failed": 0}
    assert deliver.run(utc_now(), receiver.aim) == {"sent": 0, "failed": 0}
    headers, body = receiver.got[0]
    told = json.loads(body)
    assert told["segment"] == {"id": segment.id, "name": "运动客"}
    assert told["joined"] == [{"person": person, "user_id": "u-demo"}]
    assert told["left"] == []
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert abs(int(headers["webhook-timestamp"]) - datetime.now().timestamp()) < 60
    assert headers["host"] == f"hooks.example.com:{receiver.port}"
    with write() as session:
        ids = [("anonymous_id", "a-demo")]
        consent.record(session, ids, ["marketing"], False, "web", "test")
    deliver.run(utc_now(), receiver.aim)
    assert receiver.bodies[1]["left"] == [{"person": person, "user_id": "u-demo"}]


def test_while_a_receiver_thinks_about_it_events_are_taken_in(segment, receiver):
    hooked(segment)
    assert Shopper("demo").looks("running_shoes").person
    segments.rebuild([segment])
    taken = []
    # In the middle of the delivery: the answer is not sent before these are through.
    receiver.thinks = lambda: taken.append(Shopper("lin").looks("running_shoes").tags)
    assert deliver.run(utc_now(), receiver.aim) == {"sent": 1, "failed": 0}
    assert "兴趣:运动装备" in taken[0]


def test_what_fails_is_tried_again_later_and_in_order(segment, receiver):
    aim = receiver.aim
    hook, _ = hooked(segment)
    first = Shopper("a").looks("running_shoes")
    person = first.person
    segments.rebuild([segment])
    receiver.status = 503
    at = utc_now()
    assert deliver.run(at, aim) == {"sent": 0, "failed": 1}
    assert Shopper("b").looks("running_shoes").person
    segments.rebuild([segment])
    receiver.status = 204
    # The second message waits behind the first one, which waits for its time.
    assert deliver.run(utc_now(), aim) == {"sent": 0, "failed": 0}
    waiting = [one for one in hooks.deliveries(hook.id) if one.tries == 1]
    assert [(one.state, one.error) for one in waiting] == [("waiting", "HTTP 503")]
    assert timedelta(seconds=30) <= waiting[0].next_at - at <= timedelta(minutes=1)
    assert deliver.run(utc_now() + timedelta(minutes=2), aim) == {"sent": 2, "failed": 0}
    assert [len(body["joined"]) for body in receiver.bodies] == [1, 1, 1]
    assert receiver.bodies[0]["joined"] == receiver.bodies[1]["joined"]
    assert receiver.bodies[0]["joined"][0]["person"] == person
    assert receiver.got[0][0]["webhook-id"] == receiver.got[1][0]["webhook-id"]


def test_in_the_end_it_is_given_up(segment, receiver):
    hook, _ = hooked(segment)
    assert Shopper("a").looks("running_shoes").person
    segments.rebuild([segment])
    receiver.status, at = 500, utc_now()
    for _ in range(deliver.MOST_TRIES):
        assert deliver.run(at, receiver.aim)["failed"] == 1
        at += timedelta(hours=12)
    assert deliver.run(at, receiver.aim) == {"sent": 0, "failed": 0}
    assert hooks.deliveries(hook.id)[0].state == "failed"
    assert deliver.purge(at + timedelta(days=31)) == 1


def test_a_receiver_that_is_gone_is_not_asked_again(segment, receiver):
    hook, _ = hooked(segment)
    assert Shopper("a").looks("running_shoes").person
    segments.rebuild([segment])
    receiver.status = 410
    deliver.run(utc_now(), receiver.aim)
    assert not hooks.hooks_of(segment.id)[0].enabled
    assert hooks.deliveries(hook.id)[0].state == "failed"


def test_no_redirect_is_followed(segment, receiver):
    hook, _ = hooked(segment)
    assert Shopper("a").looks("running_shoes").person
    segments.rebuild([segment])
    receiver.status = 302
    assert deliver.run(utc_now(), receiver.aim)["failed"] == 1
    assert len(receiver.got) == 1
    assert hooks.deliveries(hook.id)[0].error == "HTTP 302"


def test_who_withdrew_before_it_is_sent_is_not_told(segment, receiver):
    hooked(segment, outside=True)
    sharing = Shopper("a", allows=(*ALL, "sharing")).looks("running_shoes")
    assert Shopper("b").looks("running_shoes").person
    person = sharing.person
    segments.rebuild([segment])
    deliver.run(utc_now(), receiver.aim)
    assert [one["person"] for one in receiver.bodies[0]["joined"]] == [person]


def test_an_address_that_has_become_private_is_not_called(segment, receiver):
    hook, _ = hooked(segment)
    assert Shopper("a").looks("running_shoes").person
    segments.rebuild([segment])

    def aim(url: str) -> Target:
        return REAL(url, resolver=lambda host, port: ["127.0.0.1"])

    assert deliver.run(utc_now(), aim) == {"sent": 0, "failed": 1}
    assert hooks.deliveries(hook.id)[0].error.startswith("hooks.example.com leads to 127.0.0.1")
    assert receiver.got == []


def test_a_private_address_is_refused_when_the_webhook_is_made(segment):
    with pytest.raises(RefusedAddress):
        hooks.add(segment.id, "https://127.0.0.1/in")


def certificate(folder, host: str):
    """A self-signed certificate for a host, with its key, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    today = datetime.now(timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain_key = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / f"{host}.pem"
    path.write_bytes(plain_key + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize(("host", "status"), [("hooks.example.com", 204), ("y.example", None)])
def test_tls_is_checked_for_the_hosts_name_at_the_pinned_address(tmp_path, host, status):
    authority = certificate(tmp_path, host)
    receiver = Receiver(authority)
    target = Target("hooks.example.com", "127.0.0.1", receiver.port, True, "/in")
    try:
        if status is None:
            with pytest.raises(Exception, match=r"hostname|doesn't match"):
                deliver.post(target, b"{}", {}, ca_certs=str(authority))
            assert receiver.got == []
        else:
            assert deliver.post(target, b"{}", {}, ca_certs=str(authority)) == status
            assert receiver.got[0][0]["host"] == f"hooks.example.com:{receiver.port}"
    finally:
        receiver.server.shutdown()
        receiver.server.server_close()


def test_an_unknown_authority_is_refused(tmp_path):
    receiver = Receiver(certificate(tmp_path, "hooks.example.com"))
    target = Target("hooks.example.com", "127.0.0.1", receiver.port, True, "/in")
    try:
        with pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED"):
            deliver.post(target, b"{}", {})
    finally:
        receiver.server.shutdown()
        receiver.server.server_close()


def test_is_public_knows_the_whole_private_ranges():
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"):
        net = ipaddress.ip_network(network)
        assert not addresses.is_public(net[1])
        assert not addresses.is_public(net[-1])
