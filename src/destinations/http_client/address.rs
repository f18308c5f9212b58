//! Which addresses are not the public internet.
//!
//! Separate because it is a closed table worth reading on its own: the ranges of the IANA special-purpose registries
//! (RFC 6890) that lead back to this machine, its network, or a cloud's metadata service. It never resolves a name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;

/// Returns whether an address is loopback, private, link-local (where metadata services live), shared (carrier NAT),
/// unspecified, multicast, reserved, or an IPv6 form that carries such an IPv4 address.
pub fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => is_private_v6(address),
    }
}

/// Returns whether the URL names such an address literally, in any notation that browsers take (`0x7f.1` is 127.0.0.1).
pub fn is_private_literal(url: &Url) -> bool {
    literal(url).is_some_and(is_private)
}

/// Returns whether the URL leads to this machine: a loopback address, or a `localhost` name (RFC 6761, 6.3).
pub fn is_loopback(url: &Url) -> bool {
    let named = url.host_str().is_some_and(|host| host == "localhost" || host.ends_with(".localhost"));
    named || literal(url).is_some_and(|address| address.to_canonical().is_loopback())
}

fn literal(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let special = match address.octets() {
        [0 | 10 | 127, ..] => true,
        [100, second, ..] => (64..128).contains(&second),
        [192, 0, 0, _] | [198, 18 | 19, ..] => true,
        [first, ..] => first >= 224,
    };
    special || address.is_private() || address.is_link_local()
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    let [first, second, third, fourth, fifth, sixth, seventh, eighth] = address.segments();
    let carried = match [first, second, third, fourth, fifth, sixth] {
        // IPv4-mapped, IPv4-compatible (with :: and ::1), and the NAT64 prefix of RFC 6052.
        [0, 0, 0, 0, 0, 0xffff | 0] | [0x64, 0xff9b, 0, 0, 0, 0] => Some([seventh, eighth]),
        [0x2002, high, low, ..] => Some([high, low]),
        _ => None,
    };
    if let Some([high, low]) = carried {
        let [[a, b], [c, d]] = [high.to_be_bytes(), low.to_be_bytes()];
        return is_private_v4(Ipv4Addr::new(a, b, c, d));
    }
    let local_nat64 = [first, second, third] == [0x64, 0xff9b, 1];
    let site_local = first & 0xffc0 == 0xfec0;
    local_nat64
        || site_local
        || address.is_unique_local()
        || address.is_unicast_link_local()
        || address.is_multicast()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_inside_the_house_are_private() {
        let private = [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.127.255.255",
            "192.0.0.192",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
        ];
        for text in private {
            assert!(is_private(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn addresses_of_the_internet_are_public() {
        let public = [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.20.0.1",
            "169.253.1.1",
            "2606:4700:4700::1111",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ];
        for text in public {
            assert!(!is_private(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn a_disguised_literal_is_seen_through() {
        for text in ["http://0x7f.1/", "http://2130706433/", "http://[::1]:8080/", "http://127.0.0.1.:80/"] {
            assert!(is_private_literal(&Url::parse(text).unwrap()), "{text}");
        }
        assert!(!is_private_literal(&Url::parse("https://example.com/").unwrap()));
    }

    #[test]
    fn loopback_is_known_by_name_and_by_number() {
        let table = [
            ("http://localhost:3000/", true),
            ("http://hooks.localhost/", true),
            ("http://127.0.0.1/", true),
            ("http://[::1]/", true),
            ("http://10.0.0.1/", false),
            ("http://localhost.example/", false),
        ];
        for (text, expected) in table {
            assert_eq!(is_loopback(&Url::parse(text).unwrap()), expected, "{text}");
        }
    }
}
