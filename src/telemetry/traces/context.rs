//! Who a span belongs to: the trace context of W3C, as callers send it in `traceparent`. Pure but for its dice.

/// The identity of one span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Context {
    /// Of all spans of one trace.
    pub trace: [u8; 16],
    /// Of this span.
    pub span: [u8; 8],
    /// Whoever began the trace keeps it.
    pub sampled: bool,
}

impl Context {
    /// Begins a trace.
    pub fn fresh() -> Self {
        Context { trace: fastrand::u128(1..).to_be_bytes(), span: span_id(), sampled: true }
    }

    /// Returns the identity of a span below this one.
    #[must_use]
    pub fn child(&self) -> Self {
        Context { span: span_id(), ..*self }
    }

    /// Reads a `traceparent`: <https://www.w3.org/TR/trace-context/#traceparent-header>. A header that is wrong in any way is as
    /// good as none.
    pub fn read(header: &str) -> Option<Self> {
        let mut parts = header.trim().split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let [version] = bytes::<1>(version)?;
        let [flags] = bytes::<1>(flags)?;
        // 255 is forbidden; only later versions may have more parts.
        if version == 0xff || (version == 0 && parts.next().is_some()) {
            return None;
        }
        let (trace, span) = (bytes::<16>(trace)?, bytes::<8>(span)?);
        let is_valid = trace != [0; 16] && span != [0; 8];
        is_valid.then_some(Context { trace, span, sampled: flags & 1 == 1 })
    }
}

fn span_id() -> [u8; 8] {
    fastrand::u64(1..).to_be_bytes()
}

/// Reads lower-case hexadecimal digits, two for each byte.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut out = [0; N];
    for (byte, [high, low]) in out.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[test]
    fn the_example_of_the_specification_is_read() {
        let read = Context::read(&format!("00-{TRACE}-{SPAN}-01")).unwrap();
        assert_eq!(read.trace[..2], [0x4b, 0xf9]);
        assert_eq!(read.span[6..], [0x02, 0xb7]);
        assert!(read.sampled);
        assert!(!Context::read(&format!("00-{TRACE}-{SPAN}-00")).unwrap().sampled);
        assert!(
            Context::read(&format!("01-{TRACE}-{SPAN}-01-more")).is_some(),
            "a later version may have more"
        );
        let child = read.child();
        assert!(child.trace == read.trace && child.span != read.span);
    }

    #[test]
    fn what_is_wrong_is_as_good_as_none() {
        let wrong = [
            String::new(),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{}-{SPAN}-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-{TRACE}0-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{TRACE}-zzf067aa0ba902b7-01"),
        ];
        for header in wrong {
            assert_eq!(Context::read(&header), None, "{header}");
        }
    }
}
