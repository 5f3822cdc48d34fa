//! A client's command line, taken apart by the options that its command knows.

/// One option of a command: its names, the first of which it is asked for by, and whether a value follows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    names: &'static [&'static str],
    value: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    None,
    Next,
}

/// An option that stands alone.
pub(crate) const fn flag(names: &'static [&'static str]) -> Rule {
    Rule {
        names,
        value: Value::None,
    }
}

/// An option that is followed by its value.
pub(crate) const fn valued(names: &'static [&'static str]) -> Rule {
    Rule {
        names,
        value: Value::Next,
    }
}

/// Why a command line is not understood.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    UnknownOption(String),
    MissingValue(String),
}

/// A command's options and names, in the order they were given.
#[derive(Debug, Default)]
pub(crate) struct Words {
    options: Vec<(&'static str, String)>,
    names: Vec<Name>,
}

/// A word that is no option, and how many options stood before it.
#[derive(Debug)]
struct Name {
    text: String,
    options_before: usize,
}

impl Words {
    /// Takes `arguments` apart by `rules`; after `--` every word is a name.
    pub(crate) fn parse(rules: &[&[Rule]], arguments: &[String]) -> Result<Self, Unreadable> {
        let mut words = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            if argument == "--" {
                rest.by_ref().for_each(|text| words.push_name(text));
            } else if argument.len() > 1 && argument.starts_with('-') {
                let (name, given) = match argument.split_once('=') {
                    Some((name, given)) if name.starts_with("--") => (name, Some(given.to_owned())),
                    _ => (argument.as_str(), None),
                };
                let rule = rules
                    .iter()
                    .flat_map(|rules| rules.iter())
                    .find(|rule| rule.names.contains(&name))
                    .ok_or_else(|| Unreadable::UnknownOption(name.to_owned()))?;
                let value = match (rule.value, given) {
                    (_, Some(given)) => given,
                    (Value::None, None) => String::new(),
                    (Value::Next, None) => rest
                        .next()
                        .cloned()
                        .ok_or_else(|| Unreadable::MissingValue(name.to_owned()))?,
                };
                words
                    .options
                    .push((rule.names.first().copied().unwrap_or_default(), value));
            } else {
                words.push_name(argument);
            }
        }
        Ok(words)
    }

    fn push_name(&mut self, text: &str) {
        self.names.push(Name {
            text: text.to_owned(),
            options_before: self.options.len(),
        });
    }

    pub(crate) fn is_set(&self, option: &str) -> bool {
        self.value(option).is_some()
    }

    /// The last value that was given for `option`.
    pub(crate) fn value(&self, option: &str) -> Option<&str> {
        last(&self.options, option)
    }

    /// The last value that was given for `option` before the first name.
    pub(crate) fn value_before_names(&self, option: &str) -> Option<&str> {
        let before = self
            .names
            .first()
            .map_or(self.options.len(), |name| name.options_before);
        last(self.options.get(..before).unwrap_or_default(), option)
    }

    /// Every value that was given for `option`.
    pub(crate) fn values(&self, option: &str) -> impl Iterator<Item = &str> {
        self.options
            .iter()
            .filter(move |(name, _)| *name == option)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.names.iter().map(|name| name.text.as_str()).collect()
    }
}

fn last<'a>(options: &'a [(&'static str, String)], option: &str) -> Option<&'a str> {
    options
        .iter()
        .rev()
        .find(|(name, _)| *name == option)
        .map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &[Rule] = &[flag(&["--force", "-f"]), valued(&["--target"])];

    fn parse(line: &str) -> Result<Words, Unreadable> {
        let arguments: Vec<_> = line.split_whitespace().map(String::from).collect();
        Words::parse(&[RULES], &arguments)
    }

    #[test]
    fn an_option_is_found_by_any_of_its_names_and_by_its_place() {
        let words = parse("--target=one -f app --target two other").expect("reads");
        assert!(words.is_set("--force"));
        assert_eq!(words.value("--target"), Some("two"));
        assert_eq!(words.value_before_names("--target"), Some("one"));
        assert_eq!(words.names(), ["app", "other"]);
    }

    #[test]
    fn words_after_the_double_dash_are_names() {
        assert_eq!(parse("-- -f").expect("reads").names(), ["-f"]);
    }

    #[test]
    fn an_unknown_option_and_a_missing_value_are_told_apart() {
        assert_eq!(
            parse("--nope").err(),
            Some(Unreadable::UnknownOption("--nope".into()))
        );
        assert_eq!(
            parse("--target").err(),
            Some(Unreadable::MissingValue("--target".into()))
        );
    }
}
