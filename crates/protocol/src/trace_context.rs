//! W3C Trace Context as far as we need it: the `traceparent` header, read and written.
//! Source: <https://www.w3.org/TR/trace-context/> (version 00).

use uuid::Uuid;

use crate::ids::TraceId;

/// A parsed `traceparent`: which trace, which span is the parent, and whether it is sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace; its 16 bytes are our trace id.
    pub trace_id: TraceId,
    /// The calling span.
    pub parent_id: u64,
    /// The sampled flag.
    pub sampled: bool,
}

impl TraceParent {
    /// Reads a header value. `None` for anything malformed: the specification says to start a new trace then.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header.trim().split('-');
        let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let well_formed = version.len() == 2
            && version != "ff"
            && (version != "00" || parts.next().is_none())
            && trace.len() == 32
            && parent.len() == 16
            && flags.len() == 2
            && [version, trace, parent, flags].iter().all(|part| is_lower_hex(part));
        if !well_formed {
            return None;
        }
        let trace_id = Uuid::parse_str(trace).ok().filter(|id| !id.is_nil())?;
        let parent_id = u64::from_str_radix(parent, 16).ok().filter(|&id| id != 0)?;
        let sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
        Some(Self { trace_id: TraceId(trace_id), parent_id, sampled })
    }

    /// The header value.
    #[must_use]
    pub fn to_header(self) -> String {
        format!("00-{}-{:016x}-{:02x}", self.trace_id.0.simple(), self.parent_id, u8::from(self.sampled))
    }
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_survives_reading_and_writing() {
        let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(TraceParent::parse(header).unwrap().to_header(), header);
    }

    #[test]
    fn malformed_headers_start_a_new_trace() {
        for header in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        ] {
            assert_eq!(TraceParent::parse(header), None, "{header}");
        }
    }
}
