//! Server-sent events out of the bytes of a stream. Pure.

use serde_json::Value;

/// A frame longer than this is none of ours.
const MAX_FRAME_BYTES: usize = 1 << 20;

/// One frame.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Frame {
    pub(super) event: String,
    /// What to come back with.
    pub(super) id: Option<String>,
    pub(super) data: Value,
}

/// What has come of the next frame.
#[derive(Debug, Default)]
pub(super) struct Frames(Vec<u8>);

impl Frames {
    /// Returns the frames that these bytes complete.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<Frame> {
        self.0.extend_from_slice(bytes);
        let end = memchr::memmem::rfind(&self.0, b"\n\n").map_or(0, |at| at + 2);
        let rest = self.0.split_off(end);
        let whole = std::mem::replace(&mut self.0, rest);
        if self.0.len() > MAX_FRAME_BYTES {
            self.0.clear();
        }
        String::from_utf8_lossy(&whole).split("\n\n").filter_map(read).collect()
    }
}

/// Returns a frame with data; `None` for a heartbeat.
fn read(text: &str) -> Option<Frame> {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    let data = serde_json::from_str(field("data: ")?).ok()?;
    Some(Frame { event: field("event: ")?.to_owned(), id: field("id: ").map(str::to_owned), data })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_however_they_are_cut() {
        let text = "retry: 3000\n\nevent: accepted\nid: b-1-1\ndata: {\"name\":\"é\"}\n\n:\n\nevent: gap\ndata: {\"missed\":7}\n\n";
        for cut in 0..text.len() {
            let mut frames = Frames::default();
            let (first, rest) = text.as_bytes().split_at(cut);
            let mut all = frames.take(first);
            all.extend(frames.take(rest));
            let all: Vec<String> =
                all.iter().map(|frame| format!("{} {:?} {}", frame.event, frame.id, frame.data)).collect();
            assert_eq!(all, ["accepted Some(\"b-1-1\") {\"name\":\"é\"}", "gap None {\"missed\":7}"]);
        }
    }
}
