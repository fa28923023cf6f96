//! Texts of protocol 0.

/// A quoted Python string (`'net\'s'`) as bytes.
pub(super) fn quoted(line: &[u8]) -> Option<Vec<u8>> {
    let line = line.trim_ascii();
    let inner = match line {
        [b'\'', inner @ .., b'\''] | [b'"', inner @ .., b'"'] => inner,
        _ => return None,
    };
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.iter().copied();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next()? {
            b'n' => bytes.push(b'\n'),
            b't' => bytes.push(b'\t'),
            b'r' => bytes.push(b'\r'),
            b'x' => {
                let digits = [rest.next()?, rest.next()?];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
            }
            byte @ (b'\\' | b'\'' | b'"') => bytes.push(byte),
            byte => bytes.extend([b'\\', byte]),
        }
    }
    Some(bytes)
}

/// A raw-unicode-escape line: Latin-1 with `\uXXXX` and `\UXXXXXXXX`.
pub(super) fn unicode(line: &[u8]) -> Vec<u8> {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((&byte, after)) = rest.split_first() {
        let digits = match (byte, after.first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            _ => 0,
        };
        let code = after
            .get(1..1 + digits)
            .filter(|_| digits > 0)
            .and_then(|hex| u32::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok())
            .and_then(char::from_u32);
        match code {
            Some(code) => {
                text.push(code);
                rest = &after[1 + digits..];
            }
            None => {
                text.push(char::from(byte));
                rest = after;
            }
        }
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_protocol_0_are_pythons() {
        assert_eq!(quoted(br"'a\'\\b\n\x41'").unwrap(), b"a'\\b\nA");
        assert_eq!(quoted(b"\"net.0\"").unwrap(), b"net.0");
        assert_eq!(quoted(b"net"), None);
        assert_eq!(unicode(br"a\u00e9\U0001f600"), "a\u{e9}\u{1f600}".as_bytes());
        assert_eq!(unicode(b"\xe9\\"), "\u{e9}\\".as_bytes());
    }
}
