import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.addresses import allowed_by, is_forbidden

FORBIDDEN = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "127.0.0.1",
    "127.8.8.8",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:7f00:1",
    "64:ff9b::7f00:1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "2002:7f00:1::1",
    "2002:a00:1::",
    "2001:0:7f00:1::1",
    "2001:db8::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd12:3456::1",
    "fec0::1",
    "ff02::1",
    "2001:2::1",
    "100::1",
    "localhost",
    "0177.0.0.1",
    "2130706433",
    "127.1",
    "192.0.0.192",
    "192.0.0.9",
    "168.63.129.16",
    "3fff::1",
    "2620:4f:8000::1",
    "2606:4700::5efe:7f00:1",
    "2606:4700::200:5efe:10.0.0.1",
]
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "133.1.2.3",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2606:4700::1111",
    "2400:cb00::1",
    "2002:808:808::1",
    "2606:4700::5efe:8.8.8.8",
]


@pytest.mark.parametrize("ip", FORBIDDEN)
def test_forbidden(ip):
    assert is_forbidden(ip)


@pytest.mark.parametrize("ip", PUBLIC)
def test_public(ip):
    assert not is_forbidden(ip)


@given(st.ip_addresses(v=4))
def test_every_wrapping_is_judged_by_what_it_wraps(ip):
    for prefix in ("::ffff:", "64:ff9b::"):
        assert is_forbidden(f"{prefix}{ip}") == is_forbidden(ip)


def test_an_operator_may_name_a_network():
    own = [ipaddress.ip_network("127.0.0.0/8")]
    assert allowed_by("127.0.0.1", own)
    assert allowed_by("::ffff:127.0.0.1", own)
    assert not allowed_by("10.0.0.1", own)
    assert not allowed_by("nonsense", own)
