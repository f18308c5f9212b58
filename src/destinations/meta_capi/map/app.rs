//! `app_data`: what Meta wants to know of the app and the device that an event comes from.

use serde_json::Value;

use super::call::{Call, part, text};
use super::write::{Object, write_text};

/// Returns the version of `extinfo` for the device's system.
pub(super) fn platform(call: &Call<'_>) -> Option<&'static str> {
    let name = part(call.context.os, "name").and_then(text)?;
    match name.to_ascii_lowercase().as_str() {
        "android" => Some("a2"),
        "ios" | "ipados" | "iphone os" => Some("i2"),
        _ => None,
    }
}

/// Returns the advertising id of the device; all zeros is what a system gives that keeps it.
pub(super) fn advertising_id<'e>(call: &Call<'e>) -> Option<&'e str> {
    let id = part(call.context.device, "advertisingId").and_then(text)?;
    id.bytes().any(|byte| byte != b'0' && byte != b'-').then_some(id)
}

/// Writes `app_data`. One switch of the device stands for both of Meta's: that of the app is not known to any library.
pub(super) fn write(call: &Call<'_>, event: &mut Object<'_>) {
    let tracking = part(call.context.device, "adTrackingEnabled").is_some_and(is_on);
    let fill = |data: &mut Object<'_>| -> Result<(), std::convert::Infallible> {
        data.integer("advertiser_tracking_enabled", tracking.into());
        data.integer("application_tracking_enabled", tracking.into());
        if let Some(id) = advertising_id(call) {
            data.text("madid", id);
        }
        write_extinfo(call, data.key("extinfo"));
        Ok(())
    };
    event.object("app_data", fill).unwrap_or_default();
}

fn is_on(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| value.as_i64() == Some(1))
}

/// All 16 places must be there, in this order; what is not known is empty:
/// <https://developers.facebook.com/docs/marketing-api/conversions-api/app-events>.
fn write_extinfo(call: &Call<'_>, out: &mut Vec<u8>) {
    let version = part(call.context.app, "version");
    let places = [
        part(call.context.app, "namespace"),
        version,
        part(call.context.app, "build").or(version),
        part(call.context.os, "version"),
        part(call.context.device, "model"),
        call.context.locale,
        None,
        part(call.context.network, "carrier"),
        part(call.context.screen, "width"),
        part(call.context.screen, "height"),
        part(call.context.screen, "density"),
        None,
        None,
        None,
        call.context.timezone,
    ];
    out.push(b'[');
    write_text(out, platform(call).unwrap_or_default());
    for place in places {
        out.push(b',');
        match place {
            Some(Value::String(word)) => write_text(out, word.trim()),
            Some(Value::Number(number)) => write_text(out, &number.to_string()),
            _ => write_text(out, ""),
        }
    }
    out.push(b']');
}
