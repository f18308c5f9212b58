//! Exact decimal numbers as text: which of them a column of 29 digits before the point and 9 after it holds, and how such
//! a column is given one.

/// Most digits before the point.
const MAX_WHOLE: usize = 29;

/// Most digits after the point.
const MAX_FRACTION: usize = 9;

/// Beyond this an exponent is not worth reading: no digits could bring the number back.
const MAX_EXPONENT: i64 = 10_000;

/// Returns a JSON number in plain digits (`1.5e3` is `1500`), when a decimal column holds it exactly; `None` otherwise,
/// and for a text that is no JSON number. Zeros at the end say nothing and are left out; `-0` would lose its sign.
pub fn plain(number: &str) -> Option<String> {
    let (sign, bare) = number.strip_prefix('-').map_or(("", number), |bare| ("-", bare));
    let (mantissa, exponent) = match bare.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (bare, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_number =
        !whole.is_empty() && [whole, fraction].iter().all(|part| part.bytes().all(|it| it.is_ascii_digit()));
    if !is_number || exponent.abs() > MAX_EXPONENT {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() {
        return sign.is_empty().then(|| "0".to_owned());
    }
    // Where the point is, counted from the first significant digit.
    let leading = i64::try_from(digits.len() - significant.len()).ok()?;
    let point = i64::try_from(whole.len()).ok()?.checked_add(exponent)?.checked_sub(leading)?;
    let (whole, fraction) = split_at(significant.trim_end_matches('0'), point)?;
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

/// Puts the point into digits without zeros at either end; `None` when that takes more digits than there is room for.
fn split_at(digits: &str, point: i64) -> Option<(String, String)> {
    let (whole, fraction) = match usize::try_from(point) {
        Err(_) => ("0".to_owned(), "0".repeat(within(point.checked_neg()?, MAX_FRACTION)?) + digits),
        Ok(point) if point >= digits.len() => {
            let zeros = within(i64::try_from(point - digits.len()).ok()?, MAX_WHOLE)?;
            (format!("{digits}{}", "0".repeat(zeros)), String::new())
        }
        Ok(0) => ("0".to_owned(), digits.to_owned()),
        Ok(point) => (digits.get(..point)?.to_owned(), digits.get(point..)?.to_owned()),
    };
    (whole.len() <= MAX_WHOLE && fraction.len() <= MAX_FRACTION).then_some((whole, fraction))
}

fn within(count: i64, most: usize) -> Option<usize> {
    usize::try_from(count).ok().filter(|count| *count <= most)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_that_a_decimal_column_holds_are_written_plainly() {
        for (number, wanted) in [
            ("0", "0"),
            ("0.0", "0"),
            ("42", "42"),
            ("-42.50", "-42.5"),
            ("1.5e3", "1500"),
            ("15E-1", "1.5"),
            ("0.000000001", "0.000000001"),
            ("1e-9", "0.000000001"),
            ("1e28", "10000000000000000000000000000"),
            ("99999999999999999999999999999.999999999", "99999999999999999999999999999.999999999"),
            ("100.00", "100"),
        ] {
            assert_eq!(plain(number).as_deref(), Some(wanted), "{number}");
        }
    }

    #[test]
    fn numbers_that_would_be_rounded_are_refused() {
        for number in [
            "-0",
            "0.0000000001",
            "1e-10",
            "1e29",
            "1e400",
            "1e99999999999999999999",
            "100000000000000000000000000000",
            "",
            "1.",
            "abc",
            "+1",
            ".5",
        ] {
            // `1.` is no JSON number, yet means 1 without loss.
            assert_eq!(plain(number), (number == "1.").then(|| "1".to_owned()), "{number}");
        }
    }

    proptest! {
        #[test]
        fn every_number_within_the_bounds_is_held(whole in 0_u64.., fraction in 0_u32..1_000_000_000) {
            let written = plain(&format!("{whole}.{fraction:09}")).unwrap();
            let (left, right) = written.split_once('.').unwrap_or((&written, ""));
            prop_assert_eq!(left.parse::<u64>().unwrap(), whole);
            prop_assert_eq!(format!("{right:0<9}").parse::<u32>().unwrap(), fraction);
        }
    }
}
