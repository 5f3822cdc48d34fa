//! A command's line, read by a shell.

use std::iter::Peekable;
use std::str::Chars;

use batch::Command;
use proptest::prelude::*;

use crate::children::run;

/// What a shell makes of the words of a line; the small part of its language that is written.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        let word = words.last_mut().unwrap();
        match c {
            ' ' => words.push(String::new()),
            '\'' => word.extend(rest.by_ref().take_while(|c| *c != '\'')),
            '\\' => word.extend(rest.next()),
            '$' if rest.next_if_eq(&'\'').is_some() => escaped(word, &mut rest),
            c => word.push(c),
        }
    }
    words
}

fn escaped(word: &mut String, rest: &mut Peekable<Chars<'_>>) {
    while let Some(c) = rest.next().filter(|c| *c != '\'') {
        word.push(match c {
            '\\' => match rest.next().unwrap() {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => number(rest.take(4), 16),
                c if c.is_ascii_digit() => number(std::iter::once(c).chain(rest.take(2)), 8),
                c => c,
            },
            c => c,
        });
    }
}

fn number(digits: impl Iterator<Item = char>, radix: u32) -> char {
    let digits: String = digits.collect();
    char::from_u32(u32::from_str_radix(&digits, radix).unwrap()).unwrap()
}

proptest! {
    #[test]
    fn a_line_is_read_back_as_its_words(arguments in prop::collection::vec(any::<String>(), 1..5)) {
        let line = Command::new("program").args(arguments.clone()).to_string();
        prop_assert!(!line.chars().any(char::is_control), "{}", line);
        let words = words(&line);
        prop_assert_eq!(&words[0], "program");
        prop_assert_eq!(&words[1..], &arguments[..]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_shell_reads_the_line_back(arguments in prop::collection::vec("[ -~äß…]{0,12}", 1..5)) {
        let line = Command::new("printf").arg("%s\\0").args(arguments.clone()).to_string();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let report = runtime.block_on(run(&Command::new("sh").arg("-c").arg(line)));
        let expected = arguments.join("\0") + "\0";
        prop_assert_eq!(report.output.to_text(), expected);
    }
}
