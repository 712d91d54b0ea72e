//! Colours, by what they mean.

/// What a colour says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    /// As it should be.
    Good,
    /// Look here.
    Warn,
    /// Wrong.
    Bad,
    /// Going on.
    Busy,
    /// Of less weight.
    Faint,
    /// Of more weight.
    Strong,
    /// As any text.
    Plain,
}

impl Paint {
    /// The colour of a status of tasks, records, agents or anything else.
    pub(crate) fn of_status(status: &str) -> Self {
        match status {
            "completed" | "passed" | "human_approved" | "approved" | "online" | "healthy" | "valid"
            | "active" => Self::Good,
            "pending" | "changes_requested" | "suspect" | "blocked" | "in_review" | "pause" | "paused"
            | "degraded" => Self::Warn,
            "failed" | "tainted" | "unhealthy" | "rollback" | "rejected" | "invalid" | "revoked" => Self::Bad,
            "running" | "executing" | "ready" | "validating" | "routing" | "busy" => Self::Busy,
            "cancelled" | "offline" | "idle" => Self::Faint,
            _ => Self::Plain,
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Warn => "33",
            Self::Bad => "31",
            Self::Busy => "36",
            Self::Faint => "2",
            Self::Strong => "1",
            Self::Plain => "",
        }
    }
}

/// The text in its colour, if colour is wanted.
pub(super) fn painted(text: &str, paint: Paint, colour: bool) -> String {
    if !colour || paint == Paint::Plain || text.is_empty() {
        return text.to_owned();
    }
    format!("\x1b[{}m{text}\x1b[0m", paint.code())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_only_where_it_is_wanted() {
        assert_eq!(painted("failed", Paint::of_status("failed"), true), "\x1b[31mfailed\x1b[0m");
        assert_eq!(painted("failed", Paint::of_status("failed"), false), "failed");
        assert_eq!(painted("odd", Paint::of_status("odd"), true), "odd");
    }
}
