//! The rules one by one, and the ways in which a host may lie.

use proptest::prelude::*;

use super::*;

fn of(url: &str, referrer: &str) -> Attribution {
    attribute(&View { url: Some(url.to_owned()), referrer: Some(referrer.to_owned()) })
}

/// Source, medium and channel of a page of the shop.
fn short(query: &str, referrer: &str) -> (String, String, &'static str) {
    let Attribution { source, medium, channel, .. } =
        of(&format!("https://www.shop.example/p?{query}"), referrer);
    (source, medium, channel)
}

#[track_caller]
fn is(query: &str, referrer: &str, expected: (&str, &str, &str)) {
    let (source, medium, channel) = short(query, referrer);
    assert_eq!((source.as_str(), medium.as_str(), channel), expected, "{query} {referrer}");
}

#[test]
fn without_a_trace_or_from_its_own_host_a_visit_is_direct() {
    let direct = ("(direct)", "(none)", "Direct");
    is("", "", direct);
    is("", "about:blank", direct);
    is("utm_campaign=spring", "", direct);
    is("", "https://SHOP.example./other", direct);
    assert!(of("https://shop.example/", "https://www.shop.example/").internal);
    assert!(!of("https://shop.example/", "https://help.shop.example/").internal);
    assert!(!of("", "").internal);
    let none = attribute(&View::default());
    assert_eq!((none.source.as_str(), none.click_id, none.campaign), ("(direct)", None, None));
}

#[test]
fn what_was_written_comes_before_a_click_id_and_that_before_the_referrer() {
    let google = "https://www.google.com/";
    is("utm_source=News&utm_medium=Email&gclid=1", google, ("news", "email", "Email"));
    is("fbclid=1", google, ("facebook", "social", "Organic Social"));
    is("fbclid=1&gclid=2", "", ("google", "cpc", "Paid Search"));
    is("", google, ("google", "organic", "Organic Search"));
    is("dclid=1", "", ("google", "display", "Display"));
    is("msclkid=1", "", ("bing", "cpc", "Paid Search"));
    is("twclid=1", "", ("twitter", "cpc", "Paid Social"));
}

#[test]
fn a_half_written_pair_is_filled_from_the_click_id_then_from_the_referrer() {
    let google = "https://www.google.de/";
    is("utm_medium=cpc&li_fat_id=1", google, ("linkedin", "cpc", "Paid Social"));
    is("utm_medium=cpc", google, ("google", "cpc", "Paid Search"));
    is("utm_medium=cpc", "", ("(not set)", "cpc", "Paid Other"));
    is("utm_source=acme&gclid=1", google, ("acme", "cpc", "Paid Other"));
    is("utm_source=acme", google, ("acme", "(not set)", "Referral"));
    is("utm_medium=strange", "", ("(not set)", "strange", "Unassigned"));
}

#[test]
fn keys_have_no_case_the_first_value_wins_and_an_empty_one_is_none() {
    is("UTM_Source=+a+&utm_source=b&utm_medium=%20", "", ("a", "(not set)", "Referral"));
    is("utm_source=&utm_source=b&utm_medium=link", "", ("b", "link", "Referral"));
    let found = of("/?utm_source=a&utm_campaign=Spring%20Sale&GCLID=Cj0", "");
    assert_eq!((found.campaign.as_deref(), found.click_id), (Some("Spring Sale"), Some("gclid")));
}

#[test]
fn aliases_mean_their_source() {
    for (alias, source, channel) in [
        ("fb", "facebook", "Paid Social"),
        ("IG", "instagram", "Paid Social"),
        ("yt", "youtube", "Paid Video"),
        ("x.com", "x", "Paid Social"),
        ("twitter.com", "twitter", "Paid Social"),
        ("google.com", "google", "Paid Search"),
        ("Bing.com", "bing", "Paid Search"),
        ("facebook.com", "facebook", "Paid Social"),
        ("chatgpt.com", "chatgpt", "Paid Other"),
    ] {
        is(&format!("utm_source={alias}&utm_medium=cpc"), "", (source, "cpc", channel));
    }
}

#[test]
fn a_referrer_is_known_by_its_host_at_a_border_of_labels() {
    for (referrer, source, medium, channel) in [
        ("https://www.google.co.uk/search?q=x", "google", "organic", "Organic Search"),
        ("https://news.google.com.br", "google", "organic", "Organic Search"),
        ("https://mail.google.com/mail", "gmail", "email", "Email"),
        ("https://gemini.google.com/app", "gemini", "ai-assistant", "AI Assistants"),
        ("https://l.facebook.com/l.php", "facebook", "social", "Organic Social"),
        ("https://m.youtube.com/", "youtube", "video", "Organic Video"),
        ("https://www.amazon.de/dp/1", "amazon", "referral", "Organic Shopping"),
        ("https://chatgpt.com", "chatgpt", "ai-assistant", "AI Assistants"),
        ("https://uk.search.yahoo.com/", "yahoo", "organic", "Organic Search"),
        ("https://mail.yahoo.com/", "yahoo-mail", "email", "Email"),
        ("https://blog.example/post", "blog.example", "referral", "Referral"),
        ("android-app://com.google.android.gm/", "gmail", "email", "Email"),
        (
            "android-app://com.google.android.googlequicksearchbox/https/www.google.com",
            "google",
            "organic",
            "Organic Search",
        ),
        ("android-app://com.example.reader", "com.example.reader", "referral", "Referral"),
    ] {
        is("", referrer, (source, medium, channel));
    }
}

#[test]
fn a_host_that_only_looks_like_a_known_one_is_a_referral() {
    for host in [
        "google.evil.test",
        "google.example.com.evil.test",
        "google.com.evil.test",
        "google.com.evil",
        "google.gov.uk",
        "notgoogle.com",
        "google-com.test",
        "facebook.com.evil.test",
        "evilfacebook.com",
        "amazon.co.uk.evil.test",
        "xn.t.co.evil.test",
        "brave.com",
    ] {
        is("", &format!("https://{host}/"), (host, "referral", "Referral"));
    }
    is("", "https://google.com/", ("google", "organic", "Organic Search"));
    is("", "android-app://google.com/", ("google.com", "referral", "Referral"));
}

#[test]
fn the_channel_is_that_of_the_first_rule_that_fits() {
    for (source, medium, campaign, expected) in [
        ("(direct)", "(not set)", "shop", "Direct"),
        ("(direct)", "cpc", "", "Paid Other"),
        ("google", "cpc", "Sale Cross-network", "Cross-network"),
        ("google", "cpc", "shopping-de", "Paid Shopping"),
        ("amazon", "ppc", "", "Paid Shopping"),
        ("google", "ppc", "", "Paid Search"),
        ("google", "cpm", "", "Paid Search"),
        ("facebook", "paid-social", "", "Paid Social"),
        ("vimeo", "retargeting", "", "Paid Video"),
        ("acme", "cpm", "", "Display"),
        ("acme", "banner", "", "Display"),
        ("google", "interstitial", "", "Display"),
        ("acme", "xcpx", "", "Paid Other"),
        ("acme", "link", "e-shop", "Organic Shopping"),
        ("acme", "sm", "", "Organic Social"),
        ("acme", "social media", "", "Organic Social"),
        ("acme", "myvideo", "", "Organic Video"),
        ("claude", "referral", "", "AI Assistants"),
        ("acme", "ai-assistant", "", "AI Assistants"),
        ("e-mail", "x", "", "Email"),
        ("acme", "e_mail", "", "Email"),
        ("kagi", "referral", "", "Organic Search"),
        ("acme", "organic", "", "Organic Search"),
        ("acme", "app", "", "Referral"),
        ("acme", "affiliate", "", "Affiliates"),
        ("acme", "audio", "", "Audio"),
        ("sms", "x", "", "SMS"),
        ("acme", "sms", "", "SMS"),
        ("acme", "webpush", "", "Mobile Push Notifications"),
        ("acme", "mobile-app", "", "Mobile Push Notifications"),
        ("acme", "a notification", "", "Mobile Push Notifications"),
        ("firebase", "x", "", "Mobile Push Notifications"),
        ("acme", "(not set)", "", "Referral"),
        ("(not set)", "(not set)", "", "Unassigned"),
        ("acme", "strange", "", "Unassigned"),
    ] {
        assert_eq!(channel(source, medium, campaign), expected, "{source} {medium} {campaign}");
    }
}

#[test]
fn a_shop_is_in_a_campaign_only_where_the_word_begins() {
    for campaign in ["shop", "my-shop", "eshop", "5shop", "window-shopping", "bishopping", "workshop shop"] {
        assert!(is_shopping(campaign), "{campaign}");
    }
    for campaign in ["workshop", "bishop", "sho", ""] {
        assert!(!is_shopping(campaign), "{campaign}");
    }
}

proptest! {
    /// Two labels behind a name that has a rule for countries are the name's only for `co.uk` and the like.
    #[test]
    fn no_foreign_domain_passes_for_a_search_engine(
        prefix in "([a-z]{1,8}\\.){0,2}",
        name in prop_oneof![Just("google"), Just("yandex"), Just("pinterest"), Just("ebay"), Just("amazon")],
        middle in "[a-z]{2,12}",
        last in "[a-z]{3,12}",
    ) {
        let host = format!("{prefix}{name}.{middle}.{last}");
        let found = of("https://shop.example/", &format!("https://{host}/"));
        // A last pair of labels may be another known host by itself.
        let pair = of("https://shop.example/", &format!("https://{middle}.{last}/"));
        if pair.medium == "referral" {
            prop_assert_eq!(found.source, host.strip_prefix("www.").unwrap_or(&host));
        }
    }

    #[test]
    fn any_two_texts_have_a_channel_and_neither_source_nor_medium_is_empty(url in ".{0,80}", referrer in ".{0,80}") {
        let found = of(&url, &referrer);
        prop_assert!(!found.source.is_empty() && !found.medium.is_empty() && !found.channel.is_empty());
    }

    #[test]
    fn what_is_below_a_host_counts_as_the_host(below in "[a-vy-z]{1,10}", at in 0..5_usize) {
        let host = ["google.com", "facebook.com", "youtube.com", "perplexity.ai", "ebay.co.uk"][at];
        let one = of("https://shop.example/", &format!("https://{below}.{host}/"));
        let other = of("https://shop.example/", &format!("https://{host}/"));
        if below != "mail" && below != "gemini" && below != "bard" {
            prop_assert_eq!(one, other);
        }
    }
}
