//! First-party collection: a path per thing that happens, and a body that need not know Segment's form, as Segment's calls.
//!
//! Only translates: what comes out is believed or set aside like any other call, and numbers keep their digits because values
//! are moved as text. Never looks into a value, but for the three that decide a name.

mod shape;
#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

use super::batch::Shared;
use super::layout::{self, Field, Layout};
use super::read::{self, Call, Endpoint, Envelope, RequestError};
use super::reject::{Code, Problem};
use super::{Kind, head};
use shape::Form;

/// Every path below `/collect/` that takes a body, and what it stands for.
const LEAVES: [(&str, Form); 23] = [
    ("page", Form::Call(Kind::Page)),
    ("pageview", Form::Call(Kind::Page)),
    ("screen", Form::Call(Kind::Screen)),
    ("track", Form::Call(Kind::Track)),
    ("event", Form::Call(Kind::Track)),
    ("identify", Form::Call(Kind::Identify)),
    ("group", Form::Call(Kind::Group)),
    ("alias", Form::Call(Kind::Alias)),
    ("click", Form::Named("Element Clicked")),
    ("error", Form::Named("Error Occurred")),
    ("vitals", Form::Named("Web Vital")),
    ("engagement", Form::Named("Page Engaged")),
    ("consent", Form::Consent),
    ("batch", Form::Batch),
    ("ecommerce/product-viewed", Form::Named("Product Viewed")),
    ("ecommerce/product-added", Form::Named("Product Added")),
    ("ecommerce/product-removed", Form::Named("Product Removed")),
    ("ecommerce/cart-viewed", Form::Named("Cart Viewed")),
    ("ecommerce/checkout-started", Form::Named("Checkout Started")),
    ("ecommerce/checkout-step", Form::CheckoutStep),
    ("ecommerce/payment-info", Form::Named("Payment Info Entered")),
    ("ecommerce/order-completed", Form::Named("Order Completed")),
    ("ecommerce/order-refunded", Form::Named("Order Refunded")),
];

const DECODING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, DECODING);
const BASE64_OF_URLS: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, DECODING);

/// One path below `/collect/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf(Form);

impl Leaf {
    /// Returns the leaf of this name: `page`, `ecommerce/order-completed`.
    pub fn named(name: &str) -> Option<Leaf> {
        LEAVES.iter().find(|(known, _)| *known == name).map(|(_, form)| Leaf(*form))
    }

    /// Returns every name.
    pub fn names() -> impl Iterator<Item = &'static str> {
        LEAVES.iter().map(|(name, _)| *name)
    }

    /// Returns what kind of body it takes.
    pub fn endpoint(self) -> Endpoint {
        self.0.kind().map_or(Endpoint::Batch, Endpoint::One)
    }

    /// Splits a request's body into calls in Segment's form. A batch may also be a bare list.
    ///
    /// # Errors
    /// As [`read::read`].
    pub fn read(self, body: Bytes) -> Result<Envelope, RequestError> {
        let mut envelope = read::read(as_batch(self.0, body), self.endpoint())?;
        for call in &mut envelope.calls {
            reshape(self.0, call);
        }
        Ok(envelope)
    }
}

/// Takes the one call of a picture's address: JSON, or base64 of it. What cannot be read is a call with a fault, so that it is
/// kept with its reason like any other. `type` says what it is; without one it is a track call when it names an event, else a
/// page call. The text of the call is returned beside it.
pub fn read_pixel(data: &[u8]) -> (Envelope, Bytes) {
    let text = decoded(data);
    let form = text.as_deref().ok().and_then(form_of_itself).unwrap_or(Form::Call(Kind::Page));
    let mut call = match text {
        Ok(text) => Call::good(Bytes::from(text)),
        Err(message) => Call { raw: Bytes::copy_from_slice(data), fault: Some(fault(message)), layout: None },
    };
    reshape(form, &mut call);
    let endpoint = Endpoint::One(form.kind().unwrap_or(Kind::Page));
    let write_key = read::call_key(&call);
    let text = call.raw.clone();
    let shared = Shared::default();
    let (calls, size) = (vec![call], text.len());
    (Envelope { write_key, endpoint, calls, shared, whose: None, request: None, size }, text)
}

fn fault(message: String) -> Box<Problem> {
    Box::new(Problem { path: "data".to_owned(), code: Code::BadJson, message })
}

fn decoded(data: &[u8]) -> Result<String, String> {
    let data = data.trim_ascii();
    let bytes = match data.first() {
        None => return Err("`data` is missing or empty".to_owned()),
        Some(b'{') => data.to_vec(),
        Some(_) => {
            // A plus sign in an address is a blank.
            let text: Vec<u8> = data.iter().map(|byte| if *byte == b' ' { b'+' } else { *byte }).collect();
            let decoded = BASE64.decode(&text).or_else(|_| BASE64_OF_URLS.decode(&text));
            decoded.map_err(|_| "`data` is neither a JSON object nor base64 of one".to_owned())?
        }
    };
    let text = String::from_utf8(bytes).map_err(|error| format!("`data` is not UTF-8: {error}"))?;
    Layout::of(text.trim()).map_err(|error| format!("`data` holds no JSON object: {error}"))?;
    Ok(text.trim().to_owned())
}

fn form_of_itself(text: &str) -> Option<Form> {
    let layout = Layout::of(text).ok()?;
    match head::kind(&layout, text) {
        Ok(kind) => Some(Form::Call(kind)),
        Err(_) if layout.value(Field::Event, text).is_some() => Some(Form::Call(Kind::Track)),
        Err(_) => None,
    }
}

fn as_batch(form: Form, body: Bytes) -> Bytes {
    if form != Form::Batch || !body.trim_ascii().starts_with(b"[") {
        return body;
    }
    [&b"{\"batch\":"[..], &body, b"}"].concat().into()
}

/// A call that is no text, or no object, is left to those who say what is wrong with it.
fn reshape(form: Form, call: &mut Call) {
    if call.fault.is_some() {
        return;
    }
    let Ok(text) = std::str::from_utf8(&call.raw) else { return };
    if let Some(shaped) = shape::shaped(form, text) {
        *call = Call::good(shaped.into());
    }
}

/// Returns whether a member is there and is no `null`.
fn says(members: &[(String, &str)], name: &str) -> bool {
    members.iter().any(|(known, value)| known == name && *value != "null")
}

/// Returns the members of an object, or none.
fn members(text: &str) -> Vec<(String, &str)> {
    layout::members(text).unwrap_or_default()
}
