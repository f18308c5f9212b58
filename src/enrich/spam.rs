//! Referrer spam: sites that are named as the page before by visits that nobody has made.
//!
//! A list of domains, each with everything below it. Apart from the sources, so that what a channel is depends on no list that
//! changes. Never decides what becomes of such an event.

use std::collections::HashSet;
use std::sync::OnceLock;

use super::address::host;

const LIST: &str = include_str!("spam.txt");

fn domains() -> &'static HashSet<&'static str> {
    static DOMAINS: OnceLock<HashSet<&'static str>> = OnceLock::new();
    DOMAINS.get_or_init(|| LIST.lines().filter(|line| !line.starts_with('#')).collect())
}

/// Returns whether this address of a page before is of a site on the list, or of one below it.
pub(super) fn is_spam(referrer: &str) -> bool {
    let Some(host) = host(referrer).filter(|host| !host.is_app) else { return false };
    let borders = host.name.match_indices('.').map(|(at, _)| at + 1);
    let mut suffixes = std::iter::once(0).chain(borders).filter_map(|at| host.name.get(at..));
    suffixes.any(|suffix| domains().contains(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_of_the_list_counts_with_everything_below_it_and_nothing_beside_it() {
        for spam in [
            "http://semalt.com/",
            "https://www.Semalt.com./x?y",
            "http://a.b.semalt.com:80/crawler.php?u=shop",
        ] {
            assert!(is_spam(spam), "{spam}");
        }
        for other in [
            "https://notsemalt.com/",
            "https://semalt.com.shop.example/",
            "https://shop.example/?from=http://semalt.com/",
            "android-app://semalt.com",
            "semalt.com",
            "",
        ] {
            assert!(!is_spam(other), "{other}");
        }
    }

    #[test]
    fn every_domain_of_the_list_is_written_as_it_is_compared() {
        let lines: Vec<&str> = LIST.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(lines.is_sorted() && lines.len() == domains().len() && lines.len() > 100);
        for line in lines {
            assert!(is_spam(&format!("http://{line}/")) && line.contains('.'), "{line}");
        }
    }
}
