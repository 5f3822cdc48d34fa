//! From a process's step report to what the record keeps of it.

use batch::{CapturedOutput, StepReport};

use crate::record::StepRecord;
use crate::timestamp;

/// How much of a step's output the record keeps from its beginning, in bytes: the record is
/// rewritten at every status, so it stays small.
const HEAD_BYTES: usize = 4 * 1024;

/// How much is kept from the end, where the reason of a failure stands.
const TAIL_BYTES: usize = 16 * 1024;

/// The longest command line or reason kept, in bytes.
const LINE_BYTES: usize = 8 * 1024;

impl From<&StepReport> for StepRecord {
    fn from(report: &StepReport) -> Self {
        let (output_head, output_tail) = head_and_tail(&report.output);
        Self {
            status: report.status.to_string(),
            command: shorten(report.what.clone(), LINE_BYTES),
            outcome: shorten(report.outcome.to_string(), LINE_BYTES),
            exit_code: report.outcome.exit_code(),
            accepted: report.accepted,
            started: timestamp::to_text(report.started),
            took_ms: u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX),
            output_head,
            output_tail,
            output_bytes: report.output.total,
        }
    }
}

/// Splits what was captured: all of a short output is its tail.
fn head_and_tail(output: &CapturedOutput) -> (String, String) {
    let (head, tail) = (&output.head[..], &output.tail[..]);
    if output.dropped() == 0 && head.len() + tail.len() <= HEAD_BYTES + TAIL_BYTES {
        return (String::new(), text(&[head, tail].concat()));
    }
    let first = &head[..head.len().min(HEAD_BYTES)];
    let end = if tail.len() >= TAIL_BYTES || output.dropped() > 0 {
        tail[tail.len().saturating_sub(TAIL_BYTES)..].to_vec()
    } else {
        let whole = [head, tail].concat();
        whole[whole.len().saturating_sub(TAIL_BYTES)..].to_vec()
    };
    (text(first), text(&end))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The text, cut behind its first `most` bytes where it is longer.
pub(crate) fn shorten(mut text: String, most: usize) -> String {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use batch::{Status, StepOutcome};

    use super::*;

    fn captured(head: &[u8], tail: &[u8], total: u64) -> StepRecord {
        let output = CapturedOutput {
            head: head.to_vec().into(),
            tail: tail.to_vec().into(),
            total,
        };
        let report = StepReport::new(
            Status::new("DEPLOYED").unwrap(),
            "helion push",
            StepOutcome::Exited { code: 1 },
        )
        .with_output(output);
        StepRecord::from(&report)
    }

    #[test]
    fn a_short_output_is_kept_whole_in_the_tail() {
        let step = captured(b"Staging failed\n", b"", 15);
        assert_eq!(
            (step.output_head.as_str(), step.output_tail.as_str()),
            ("", "Staging failed\n")
        );
        assert_eq!((step.exit_code, step.output_bytes), (Some(1), 15));
    }

    #[test]
    fn a_long_output_keeps_its_two_ends() {
        let whole: Vec<u8> = (0..60_000_u32)
            .map(|i| b'a' + u8::try_from(i % 26).unwrap())
            .collect();
        let step = captured(&whole, b"", 60_000);
        assert_eq!(step.output_head.as_bytes(), &whole[..HEAD_BYTES]);
        assert_eq!(step.output_tail.as_bytes(), &whole[60_000 - TAIL_BYTES..]);

        let step = captured(&whole, &whole[..20_000], 9_000_000);
        assert_eq!(
            step.output_tail.as_bytes(),
            &whole[20_000 - TAIL_BYTES..20_000]
        );
        assert_eq!(step.output_bytes, 9_000_000);
    }

    #[test]
    fn bytes_that_are_no_text_do_not_break_the_record() {
        let step = captured(&[0xff, b'x'], b"", 2);
        assert_eq!(step.output_tail, "\u{fffd}x");
    }
}
