//! The documented fields of a structure, from its source.

/// A field and its documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub name: String,
    /// Its type, as the source writes it.
    pub of: String,
    pub meaning: String,
}

/// The fields of `structure` that are documented, in their order.
pub(super) fn fields_of(source: &str, structure: &str) -> Vec<Field> {
    let head = format!("struct {structure} {{");
    let Some((_, body)) = source.split_once(&head) else { return Vec::new() };
    let mut fields = Vec::new();
    let mut said: Vec<&str> = Vec::new();
    for line in body.lines().map(str::trim) {
        match line.strip_prefix("///") {
            Some(words) => said.push(words.trim()),
            None if line == "}" || line.starts_with('}') => break,
            None if line.starts_with("#[") || said.is_empty() => {}
            None => {
                if let Some((name, of)) = line.trim_end_matches(',').split_once(": ") {
                    let name = name.rsplit(' ').next().unwrap_or(name);
                    fields.push(Field { name: name.to_owned(), of: of.to_owned(), meaning: said.join(" ") });
                }
                said.clear();
            }
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_with_their_documentation() {
        let source = "/// Not this.\npub struct Other {}\n\npub struct Config {\n    /// First line\n    /// and second.\n    \
                      #[serde(default)]\n    pub one: Option<u64>,\n    /// Two.\n    pub two: [f32; 2],\n    bare: u8,\n}\n\
                      struct After {\n    /// Not this.\n    three: u8,\n}\n";
        let fields = fields_of(source, "Config");
        let found: Vec<(&str, &str, &str)> =
            fields.iter().map(|f| (f.name.as_str(), f.of.as_str(), f.meaning.as_str())).collect();
        assert_eq!(found, [("one", "Option<u64>", "First line and second."), ("two", "[f32; 2]", "Two.")]);
    }
}
