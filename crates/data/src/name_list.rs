//! Many names in little memory: one text, and where each name ends in it.

/// Names by number. A million of 60 characters take 64 MB, as strings of their own 110 MB.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NameList {
    text: String,
    ends: Vec<u32>,
    /// Texts before this one, each full: an end has 32 bits.
    full: Vec<String>,
    /// Number of the first name of each text after the first.
    firsts: Vec<usize>,
}

/// Bytes of a text at most.
const TEXT_BYTES: usize = if cfg!(test) { 64 } else { 1 << 31 };

impl NameList {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Adds a name behind the others.
    pub(crate) fn push(&mut self, name: &str) {
        if !self.text.is_empty() && self.text.len() + name.len() > TEXT_BYTES {
            self.full.push(std::mem::take(&mut self.text));
            self.firsts.push(self.ends.len());
        }
        self.text.push_str(name);
        self.ends.push(self.text.len() as u32);
    }

    /// The name with that number.
    pub(crate) fn get(&self, number: usize) -> Option<&str> {
        let end = *self.ends.get(number)? as usize;
        let text = self.firsts.partition_point(|&first| first <= number);
        let first = text.checked_sub(1).map_or(0, |before| self.firsts[before]);
        let start = if number == first { 0 } else { self.ends[number - 1] as usize };
        self.full.get(text).unwrap_or(&self.text).get(start..end)
    }
}

impl<S: AsRef<str>> FromIterator<S> for NameList {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        let mut list = Self::default();
        names.into_iter().for_each(|name| list.push(name.as_ref()));
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_comes_back_whatever_text_it_is_in() {
        let long = "x".repeat(100);
        let names: Vec<String> =
            (0..50).map(|n| if n % 7 == 0 { String::new() } else { format!("n{n}/\u{e9}.jpg") }).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).chain([long.as_str(), "after"]).collect();
        let list: NameList = names.iter().collect();
        assert!(list.full.len() > 5, "the texts of a test are short");
        let got: Vec<&str> = (0..list.len()).map(|number| list.get(number).unwrap()).collect();
        assert_eq!(got, names);
        assert_eq!((list.get(names.len()), NameList::default().get(0)), (None, None));
    }
}
