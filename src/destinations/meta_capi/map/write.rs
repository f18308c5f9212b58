//! JSON straight into bytes.

use serde_json::Value;

/// An object that is being written. Names are our own words and need no escape.
pub(super) struct Object<'o> {
    out: &'o mut Vec<u8>,
    any: bool,
}

impl<'o> Object<'o> {
    pub(super) fn open(out: &'o mut Vec<u8>) -> Object<'o> {
        out.push(b'{');
        Object { out, any: false }
    }

    pub(super) fn close(self) {
        self.out.push(b'}');
    }

    /// Begins a member; its value is to be written next.
    pub(super) fn key(&mut self, name: &str) -> &mut Vec<u8> {
        self.comma();
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// The same with a name of somebody else.
    pub(super) fn foreign_key(&mut self, name: &str) -> &mut Vec<u8> {
        self.comma();
        write_text(self.out, name);
        self.out.push(b':');
        self.out
    }

    fn comma(&mut self) {
        if self.any {
            self.out.push(b',');
        }
        self.any = true;
    }

    pub(super) fn text(&mut self, name: &str, text: &str) {
        write_text(self.key(name), text);
    }

    pub(super) fn integer(&mut self, name: &str, number: i64) {
        write_json(self.key(name), &number);
    }

    pub(super) fn amount(&mut self, name: &str, amount: f64) {
        write_amount(self.key(name), amount);
    }

    /// Writes a member that is an object, and nothing at all when `fill` writes nothing into it.
    pub(super) fn object<E>(
        &mut self,
        name: &str,
        fill: impl FnOnce(&mut Object<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (before, any) = (self.out.len(), self.any);
        let mut inner = Object::open(self.key(name));
        fill(&mut inner)?;
        if inner.any {
            inner.close();
        } else {
            self.out.truncate(before);
            self.any = any;
        }
        Ok(())
    }
}

/// Writes a text with what JSON wants escaped.
pub(super) fn write_text(out: &mut Vec<u8>, text: &str) {
    write_json(out, text);
}

/// Writes a number, without a fraction when it has none.
pub(super) fn write_amount(out: &mut Vec<u8>, amount: f64) {
    // Exact up to 2^53; beyond that it stays a float.
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    if amount.fract() == 0.0 && amount.abs() < WHOLE {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and within the range, as was asked")]
        let whole = amount as i64;
        return write_json(out, &whole);
    }
    write_json(out, &amount);
}

/// Writes any value as it is.
pub(super) fn write_value(out: &mut Vec<u8>, value: &Value) {
    write_json(out, value);
}

fn write_json<T: serde::Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    // Neither memory nor values of JSON fail.
    serde_json::to_writer(out, value).unwrap_or_default();
}
