//! What a TOML reader says of a value, in the words of whoever writes one.

/// `message` with the key first, and what to write instead (or nothing). `written` is the value as it stands.
pub(super) fn in_words(message: &str, path: &[String], written: Option<&str>) -> (String, String) {
    let key = path.join(".");
    let told = ["invalid type: ", "invalid value: ", "invalid length "]
        .iter()
        .find_map(|start| message.strip_prefix(start)?.rsplit_once(", expected "));
    if let Some((got, expected)) = told {
        let got = written.map_or_else(|| got.to_owned(), shortened);
        let hint = written.and_then(|written| hint(written.trim(), expected));
        let hint = hint.map_or_else(String::new, |hint| format!("; {hint}"));
        return (format!("{key}: expected {}, got {got}", what(expected)), hint);
    }
    if message.starts_with("floating-point number overflowed") {
        let got = written.map_or_else(String::new, |written| format!(", got {}", shortened(written)));
        return (format!("{key}: expected a finite number{got}"), String::new());
    }
    let hint = of_another_tool(message)
        .or_else(|| nearest_known_name(message).map(|name| format!("; did you mean `{name}`?")));
    let hint = hint.unwrap_or_default();
    let named = key.is_empty() || message.contains(&format!("`{key}`")) || message.starts_with(&key);
    let message = message.replace('\n', "; ");
    (if named { message } else { format!("{key}: {message}") }, hint)
}

/// Keys of other tools' configurations, what they are here, and what is to be known of it.
const OTHER_WORDS: &[(&str, &str, &str)] = &[
    ("arch", "encoder.arch", ""),
    ("backbone", "encoder.arch", ""),
    ("base_lr", "optimizer.lr", ""),
    ("batch_size", "train.batch", ""),
    ("batchsize", "train.batch", ""),
    ("cuda", "--device vulkan", ""),
    ("data", "source.data", ""),
    ("dataset", "source.data", ""),
    ("device", "--device", ""),
    ("epochs", "train.steps", ", which counts updates; `zview pretrain --epochs N` counts epochs"),
    ("gpu", "--device vulkan", ""),
    ("image_size", "source.size", ""),
    ("img_size", "source.size", ""),
    ("iterations", "train.steps", ""),
    ("learning_rate", "optimizer.lr", ""),
    ("lr", "optimizer.lr", ""),
    ("max_epochs", "train.steps", ", which counts updates; `zview pretrain --epochs N` counts epochs"),
    ("max_steps", "train.steps", ""),
    ("model", "encoder.arch", ""),
    ("num_epochs", "train.steps", ", which counts updates; `zview pretrain --epochs N` counts epochs"),
    ("output_dir", "--out", ""),
    ("temperature", "objective.temperature", ""),
    ("warmup_epochs", "train.warmup_steps", ", which counts updates"),
    ("weight_decay", "optimizer.weight_decay", ""),
];

/// What an unknown key of another tool is called here: a key beside it, one of a recipe, or an option.
fn of_another_tool(message: &str) -> Option<String> {
    let (word, known) = message.strip_prefix("unknown field `")?.split_once('`')?;
    let (_, ours, remark) = OTHER_WORDS.iter().find(|(theirs, ..)| *theirs == word)?;
    let last = ours.rsplit('.').next().unwrap_or_default();
    if ours.starts_with('-') {
        return Some(format!("; that is the option `{ours}`"));
    }
    let beside = known.contains(&format!("`{last}`"));
    Some(if beside {
        format!("; here it is `{last}`{remark}")
    } else {
        format!("; in a recipe it is `{ours}`{remark}")
    })
}

fn shortened(written: &str) -> String {
    const MOST: usize = 60;
    let written = written.trim();
    if written.chars().count() <= MOST && !written.contains('\n') {
        return written.to_owned();
    }
    let start: String = written.lines().next().unwrap_or_default().chars().take(MOST).collect();
    format!("{start}...")
}

/// A type's name in words.
fn what(expected: &str) -> String {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number, 0 or more".to_owned(),
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" | "bool" => "true or false".to_owned(),
        "a string" | "string" => "text in quotes".to_owned(),
        "a sequence" => "a list in square brackets".to_owned(),
        "a map" => "a section".to_owned(),
        other if other.starts_with("struct ") => "a section of keys".to_owned(),
        other if other.starts_with("an array of length ") || other.starts_with("a tuple of size ") => {
            let count = other.rsplit(' ').next().unwrap_or_default();
            format!("a list of {count}")
        }
        other => other.to_owned(),
    }
}

/// What was probably meant by a value of the wrong type.
fn hint(written: &str, expected: &str) -> Option<String> {
    let bare = written.trim_matches(['"', '\'']).trim();
    let quoted = bare.len() < written.len();
    match expected {
        "f32" | "f64" => number(bare, quoted),
        _ if largest(expected).is_some() => whole_number(bare, quoted, largest(expected)?),
        "a boolean" | "bool" => match bare.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some("write true".to_owned()),
            "false" | "no" | "off" | "0" => Some("write false".to_owned()),
            _ => None,
        },
        "a string" | "string" => as_text(written),
        "a sequence" => (!bare.is_empty() && !bare.contains('\n')).then(|| format!("write [{written}]")),
        _ => None,
    }
}

/// The largest number of a type of whole numbers that TOML can hold.
fn largest(expected: &str) -> Option<u64> {
    const OF_TOML: u64 = i64::MAX as u64;
    Some(match expected {
        "u8" => u8::MAX.into(),
        "u16" => u16::MAX.into(),
        "u32" => u32::MAX.into(),
        "i8" => i8::MAX as u64,
        "i16" => i16::MAX as u64,
        "i32" => i32::MAX as u64,
        "u64" | "usize" | "u128" | "i64" | "isize" | "i128" => OF_TOML,
        _ => return None,
    })
}

/// What was probably meant by `bare` where a whole number up to `largest` is needed.
fn whole_number(bare: &str, quoted: bool, largest: u64) -> Option<String> {
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let joined = without_groups(bare);
    let digits = joined.as_deref().unwrap_or(bare);
    if all_digits(digits) {
        return match digits.parse::<u64>() {
            Ok(number) if number <= largest && joined.is_some() => Some(format!("write {digits}")),
            Ok(number) if number <= largest => quoted.then(|| format!("write {digits}, without quotes")),
            _ => Some(format!("the largest is {largest}")),
        };
    }
    let number = bare.parse::<f64>().ok().filter(|number| *number >= 0.0 && *number < 9e15)?;
    (number.fract() == 0.0 && number <= largest as f64).then(|| format!("write {number:.0}"))
}

/// `1000` of `1,000`: what stands between groups of three digits, and nothing else, is left out.
fn without_groups(text: &str) -> Option<String> {
    let between = text.chars().find(|c| [',', '\'', ' ', '_'].contains(c))?;
    let groups: Vec<&str> = text.split(between).collect();
    let digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let (first, rest) = groups.split_first()?;
    let fits = (1..=3).contains(&first.len()) && rest.iter().all(|group| group.len() == 3);
    (fits && groups.iter().all(|group| digits(group))).then(|| groups.concat())
}

/// Text of a number, a date or true and false, and of a list that holds one text.
fn as_text(written: &str) -> Option<String> {
    use toml::Value as V;
    let mut table = format!("value = {written}").parse::<toml::Table>().ok()?;
    match table.remove("value")? {
        V::Integer(_) | V::Float(_) | V::Boolean(_) | V::Datetime(_) => Some(format!("write \"{written}\"")),
        V::Array(values) => match values.as_slice() {
            [V::String(text)] => Some(format!("write {}", V::String(text.clone()))),
            _ => None,
        },
        V::String(_) | V::Table(_) => None,
    }
}

/// `0.06` of `0,06`: some languages write it so.
fn with_point(text: &str) -> Option<String> {
    let (whole, part) = text.split_once(',')?;
    let number = format!("{whole}.{part}");
    (!part.is_empty() && !whole.is_empty() && number.parse::<f64>().is_ok()).then_some(number)
}

/// What was probably meant by `bare` where a number is needed.
fn number(bare: &str, quoted: bool) -> Option<String> {
    if let Some(number) = with_point(bare) {
        return Some(format!("numbers have a decimal point, write {number}"));
    }
    let number: f64 = bare.parse().ok()?;
    if !number.is_finite() {
        return Some("that is not a finite number".to_owned());
    }
    match format!("value = {bare}").parse::<toml::Table>() {
        Ok(_) => quoted.then(|| format!("write {bare}, without quotes")),
        Err(_) if bare.contains(['.', 'e', 'E']) => Some(format!("write {number:?}")),
        Err(_) => Some(format!("write {number}")),
    }
}

/// What is wrong with a line that is no TOML, such as `lr = 0,06`, and the hint; `message` is the reader's own.
pub(super) fn no_toml(line: &str, message: String) -> (String, String) {
    if let Some(quotes) = curly_quotes(line) {
        return (message, format!("; {quotes}: {}", shortened(&with_straight_quotes(line))));
    }
    let Some((key, value)) = line.split_once('=') else { return (message, String::new()) };
    let value = value.split('#').next().unwrap_or_default().trim();
    match value.parse::<f64>() {
        Ok(number) if !number.is_finite() => {
            (format!("{}: expected a finite number, got {value}", key.trim()), String::new())
        }
        _ => (message, number(value, false).map_or_else(String::new, |hint| format!("; {hint}"))),
    }
}

/// Quotes as web pages and word processors have them; the first four stand for `"`.
pub(super) const CURLY: [char; 8] = ['“', '”', '„', '‟', '‘', '’', '‚', '‛'];

/// Names the curly quotes of `text` that are in no straight ones, and ends with what to write.
pub(super) fn curly_quotes(text: &str) -> Option<String> {
    let mut within = None;
    for c in text.chars() {
        match (within, c) {
            (None, '#') => return None,
            (None, '"' | '\'') => within = Some(c),
            (Some(open), c) if c == open => within = None,
            (None, c) if CURLY.contains(&c) => {
                return Some(format!("{c} is a curly quote, as web pages have them; write straight ones"));
            }
            _ => {}
        }
    }
    None
}

/// `text` with `"` and `'` in place of curly quotes.
pub(super) fn with_straight_quotes(text: &str) -> String {
    let straight = |c| match CURLY.iter().position(|curly| *curly == c) {
        Some(0..4) => '"',
        Some(_) => '\'',
        None => c,
    };
    text.chars().map(straight).collect()
}

/// From serde's "unknown field `x`, expected one of `a`, `b`": the listed name nearest to `x`.
fn nearest_known_name(message: &str) -> Option<String> {
    if !(message.starts_with("unknown field") || message.starts_with("unknown variant")) {
        return None;
    }
    let mut quoted = message.split('`').skip(1).step_by(2);
    let unknown = quoted.next()?;
    quoted
        .map(|known| (strsim::damerau_levenshtein(unknown, known), known))
        .filter(|(distance, known)| *distance <= 2.max(known.len() / 2))
        .min()
        .map(|(_, known)| known.to_owned())
}
