//! Files and changes as they are read, and what is said of wrong ones.

use super::*;

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    momentum: f32,
    steps: Option<u32>,
}

#[test]
fn an_unknown_key_names_file_line_and_the_nearest_key() {
    let error = parse_toml::<Example>(Path::new("recipe.toml"), "momentum = 0.9\nstep = 3\n")
        .unwrap_err()
        .to_string();
    assert!(error.contains("recipe.toml, line 2"), "{error}");
    assert!(error.contains("did you mean `steps`?"), "{error}");
}

#[test]
fn an_override_changes_one_value_and_is_checked_like_the_file() {
    let with = |change: &str| {
        parse_toml_with::<Example>(Path::new("r.toml"), "momentum = 0.9\n", &[change.to_owned()])
            .map_err(|error| error.to_string())
    };
    assert_eq!(with("steps=7").unwrap().steps, Some(7));
    assert!(with("stepz=7").unwrap_err().contains("did you mean `steps`?"));
    assert!(with("steps").unwrap_err().contains("key=value"));
    assert!(with("momentum.x=1").unwrap_err().contains("not a section"));
}

#[test]
fn the_format_is_a_key_of_every_file_and_a_newer_one_is_named() {
    let parse = |text: &str| parse_toml::<Example>(Path::new("runs/a/config.toml"), text);
    let written = to_toml(&toml::toml! { momentum = 0.5 }).unwrap();
    assert!(written.starts_with("format = 1\n"), "{written}");
    assert!((parse(&written).unwrap().momentum - 0.5).abs() < 1e-6);
    let newer = parse("format = 2\nmomentum = 0.9\nunheard_of = 1\n").unwrap_err().to_string();
    assert!(newer.contains("runs/a/config.toml has format 2"), "{newer}");
    assert!(parse("format = \"x\"\nmomentum = 0.9\n").unwrap_err().to_string().contains("expected 1"));
    let later = parse("format = 1\nmomentum = 0.9\nstep = 1\n").unwrap_err().to_string();
    assert!(later.contains("line 3"), "{later}");
    let with = parse_toml_with::<Example>(Path::new("r"), &written, &["steps=2".to_owned()]).unwrap();
    assert_eq!(with.steps, Some(2));
}

#[test]
fn a_wrong_type_names_its_line() {
    let error =
        parse_toml::<Example>(Path::new("r.toml"), "\nmomentum = \"fast\"\n").unwrap_err().to_string();
    assert!(error.contains("line 2") && error.contains("momentum: expected a number"), "{error}");
}

#[derive(Debug, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Nested {
    seed: u64,
    train: Train,
    groups: Vec<Train>,
}

#[derive(Debug, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Train {
    steps: u64,
    batch: usize,
    lr: f64,
    flip: bool,
    name: String,
    scale: [f32; 2],
    widths: Vec<usize>,
}

fn nested(text: &str, changes: &[&str]) -> Result<Nested, String> {
    let changes: Vec<String> = changes.iter().map(|&change| change.to_owned()).collect();
    parse_toml_with(Path::new("r.toml"), text, &changes).map_err(|error| error.to_string())
}

#[test]
fn the_format_is_found_by_a_parser_wherever_and_however_it_is_written() {
    for text in [
        "\"format\" = 1\nseed = 7\n",
        "'format' = 1\nseed = 7\n",
        "# from [GenRep]\nformat = 1\nseed = 7\n",
        "format=1 # [x]\nseed = 7\n",
        "seed = 7 # [a]\n  format  =  0x1\n",
        "\u{feff}format = 1\nseed = 7\n",
        "\u{feff}# [x]\r\nformat = 1\r\nseed = 7\r\n",
        "seed = 7\nformat = 1",
        "seed = 7\n\nformat = 1\n[train]\nname = \"a [b] format = 2\"\n",
        "train.name = \"[\"\nformat = 1\nseed = 7\n",
        "train = { name = '[format]' }\nformat = 1\nseed = 7\n",
        "train.name = \"\"\"\nformat = 9\n[x]\n\"\"\"\nformat = 1\nseed = 7\n",
    ] {
        for changes in [&[][..], &["train.steps=2"]] {
            assert_eq!(nested(text, changes).map(|read| read.seed), Ok(7), "{text:?}");
        }
    }
    let strings = nested("train.name = \"\"\"\nformat = 9\n\"\"\"\nformat = 1\n", &[]).unwrap();
    assert_eq!(strings.train.name, "format = 9\n");
    // Only at the top: elsewhere it is a key like any other.
    assert!(nested("[train]\nformat = 1\n", &[]).unwrap_err().contains("unknown field `format`"));
    for (format, told) in
        [("2", "has format 2"), ("-1", "expected 1, got -1"), ("\"[1]\"", "expected 1, got")]
    {
        let error = nested(&format!("# [\n\"format\" = {format}\n"), &[]).unwrap_err();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn lines_of_errors_are_those_of_the_file_whatever_stands_before() {
    for (text, line) in [
        ("\u{feff}# [x]\r\n\"format\" = 1\r\n\r\nsede = 7\r\n", 4),
        ("format = 1\nseed = 7\n[train]\n# [\nsteps = 1.5\n", 5),
        ("format = 1\n[train]\nname = \"\"\"\n[a]\n\"\"\"\nstep = 1\n", 6),
        ("seed = 7\n[[groups]]\nsteps = 1\n[[groups]]\nsteps = \"x\"\n", 5),
    ] {
        for changes in [&[][..], &["train.batch=2"]] {
            let error = nested(text, changes).unwrap_err();
            assert!(error.contains(&format!("r.toml, line {line}: ")), "{error}");
        }
    }
}

#[test]
fn a_wrong_value_names_its_key_what_was_expected_and_what_was_found() {
    for (change, words) in [
        ("train.lr=0,06", &["train.lr: expected a number, got \"0,06\"", "write 0.06"][..]),
        ("train.lr=fast", &["train.lr: expected a number, got \"fast\""]),
        ("train.lr=\"0.06\"", &["train.lr: expected a number", "write 0.06, without quotes"]),
        ("train.lr=true", &["train.lr: expected a number, got true"]),
        ("train.lr=[0.1]", &["train.lr: expected a number, got [0.1]"]),
        ("train.steps=-1", &["train.steps: expected a whole number, 0 or more, got -1"]),
        ("train.steps=1e3", &["train.steps: expected a whole number, 0 or more", "write 1000"]),
        ("train.steps=1,000", &["train.steps: expected a whole number", "write 1000"]),
        ("train.steps=400.0", &["train.steps", "write 400"]),
        ("train.batch=1.5", &["train.batch: expected a whole number, 0 or more, got 1.5"]),
        ("train.batch=", &["train.batch: expected a whole number, 0 or more, got \"\""]),
        ("train.steps=99999999999999999999", &["train.steps: expected a whole number"]),
        ("train.flip=True", &["train.flip: expected true or false, got \"True\"", "write true"]),
        ("train.flip=1", &["train.flip: expected true or false, got 1", "write true"]),
        ("train.name=7", &["train.name: expected text in quotes, got 7", "write \"7\""]),
        ("train.scale=0.3", &["train.scale: expected a list"]),
        ("train.scale=[0.3]", &["train.scale"]),
        ("train.scale=[0.3,\"x\"]", &["train.scale[1]: expected a number, got \"x\""]),
        ("train.widths=[128,-1]", &["train.widths[1]: expected a whole number, 0 or more, got -1"]),
        ("train.widths=128", &["train.widths: expected a list in square brackets, got 128", "write [128]"]),
        ("train=7", &["train: expected a section of keys, got 7"]),
        ("seed=x", &["seed: expected a whole number, 0 or more, got \"x\""]),
        ("seed.x=1", &["`seed` is a value, not a section"]),
        ("trian.steps=1", &["unknown field `trian`", "did you mean `train`?"]),
        ("train.stepz=1", &["unknown field `stepz`", "did you mean `steps`?"]),
        ("train.steps", &["expected key=value"]),
        ("=1", &["expected key=value"]),
        ("train..steps=1", &["expected key=value"]),
    ] {
        let by_set = nested("seed = 1\n", &[change]).unwrap_err();
        assert!(by_set.contains(&format!("--set {change}")), "names the argument: {by_set}");
        assert!(!by_set.contains("line"), "nobody wrote that line: {by_set}");
        for word in words {
            assert!(by_set.contains(word), "{change}: {word}: {by_set}");
        }
    }
    // The same in a file, with its line.
    for (text, words) in [
        ("[train]\nlr = 0,06\n", &["line 2", "numbers have a decimal point, write 0.06"][..]),
        ("[train]\nlr = \"0,06\"\n", &["line 2: train.lr: expected a number, got \"0,06\"", "write 0.06"]),
        ("[train]\nbatch = 1.5\n", &["line 2: train.batch: expected a whole number, 0 or more, got 1.5"]),
        ("[[groups]]\nlr = 1\n[[groups]]\nlr = \"a\"\n", &["line 4: groups[1].lr: expected a number"]),
        ("train.steps = -1\n", &["line 1: train.steps: expected a whole number, 0 or more, got -1"]),
    ] {
        let error = nested(text, &[]).unwrap_err();
        for word in words {
            assert!(error.contains(word), "{text}: {word}: {error}");
        }
    }
    // A mistake of the file is not blamed on an argument.
    let of_file = nested("[train]\nbatch = \"x\"\n", &["train.steps=3"]).unwrap_err();
    assert!(of_file.contains("r.toml, line 2: train.batch") && !of_file.contains("--set"), "{of_file}");
}

#[test]
fn a_number_that_is_not_finite_is_refused_as_such_and_not_for_its_quotes() {
    for value in ["NaN", "Infinity", "-Inf", "1e400", "-1e400"] {
        let by_set = nested("", &[&format!("train.lr={value}")]).unwrap_err();
        assert!(by_set.contains("train.lr: expected a number") && !by_set.contains("quotes"), "{by_set}");
        assert!(by_set.contains("that is not a finite number"), "{by_set}");
        let of_file = nested(&format!("[train]\nlr = {value} # x\n"), &[]).unwrap_err();
        assert!(
            of_file.contains("line 2: ") && of_file.contains("lr: expected a finite number"),
            "{of_file}"
        );
        assert!(of_file.contains(&format!("got {value}")) && !of_file.contains("`nan`"), "{of_file}");
    }
    // What Rust reads as a number and TOML does not.
    for (value, written) in [(".5", "0.5"), ("5.", "5.0"), ("007", "7")] {
        let by_set = nested("", &[&format!("train.lr={value}")]).unwrap_err();
        assert!(by_set.ends_with(&format!("write {written}")), "{by_set}");
        let of_file = nested(&format!("[train]\nlr = {value}\n"), &[]).unwrap_err();
        assert!(of_file.ends_with(&format!("write {written}")), "{of_file}");
    }
    // What is read is refused by whoever knows its bounds; there it is said what is wrong with it.
    let (_, written) = parse_toml_in_layers::<Nested>(Path::new("r"), "[train]\nlr = inf\n", &[]).unwrap();
    let located = written.located(vec!["train.lr: expected 0 or more, got inf".to_owned()]);
    assert_eq!(located, ["train.lr: expected 0 or more, got inf, which is not finite (line 2)"]);
}

#[test]
fn curly_quotes_are_named_and_straight_ones_written_instead() {
    for (change, straight) in [
        ("train.name=“a b”", "--set train.name=\"a b\""),
        ("train.name=‘a’", "--set train.name='a'"),
        ("“train.lr=0.1”", "--set \"train.lr=0.1\""),
        ("train.scale=[“a”, 1]", "--set train.scale=[\"a\", 1]"),
    ] {
        let error = nested("", &[change]).unwrap_err();
        assert!(error.contains("is a curly quote") && error.ends_with(straight), "{change}: {error}");
    }
    for (line, straight) in [
        ("name = “photos”", "name = \"photos\""),
        ("“name” = 1", "\"name\" = 1"),
        ("lr = ‘0.1’", "lr = '0.1'"),
    ] {
        let error = nested(&format!("[train]\n{line}\n"), &[]).unwrap_err();
        assert!(error.contains("line 2") && error.contains("is a curly quote"), "{line}: {error}");
        assert!(error.ends_with(straight), "{line}: {error}");
    }
    // They are letters like others within a text.
    assert_eq!(nested("[train]\nname = \"“a”\"\n", &[]).unwrap().train.name, "“a”");
    assert_eq!(nested("", &["train.name=the dog’s “best” day"]).unwrap().train.name, "the dog’s “best” day");
}

#[test]
fn a_file_that_is_no_text_is_named_for_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recipe.toml");
    let told = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        read_toml::<Nested>(&path).unwrap_err().to_string()
    };
    let utf16: Vec<u8> = "\u{feff}seed = 1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = "\u{feff}seed = 1\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let plain: Vec<u8> = "seed = 1 # größe\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, words) in [
        (plain.as_slice(), "is text in UTF-16, where a text file in TOML is needed; save it as UTF-8"),
        (utf16.as_slice(), "is text in UTF-16, where a text file in TOML is needed; save it as UTF-8"),
        (&big, "text in UTF-16"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is a PNG picture, where"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "is a JPEG picture"),
        (
            b"PK\x03\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0archive/data.pkl\x80\xff",
            "is a PyTorch file",
        ),
        (b"\x10\0\0\0\0\0\0\0{\"a\":{}}      ", "is a safetensors file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\n", "Git LFS pointer"),
        (b"<!DOCTYPE html><html></html>", "is a web page"),
        (b"{\"seed\": 1}", "is a JSON file"),
        (b"seed = 1\nname = \"caf\xe9\"\n", "line 2: the byte 0xE9 is not UTF-8; save the file as UTF-8"),
    ] {
        let error = told(bytes);
        assert!(error.contains(words) && error.contains("recipe.toml"), "{words}: {error}");
    }
    let error = read_toml::<Nested>(folder.path()).unwrap_err().to_string();
    assert!(error.contains("it is a folder; name the TOML file in it"), "{error}");
    std::fs::File::create(&path).unwrap().set_len(1 << 40).unwrap(); // sparse: what it claims is not read
    let error = read_toml::<Nested>(&path).unwrap_err().to_string();
    assert!(error.contains("recipe.toml"), "{error}");
}

#[test]
fn what_was_written_is_known_with_its_layer() {
    let (file, one, two) =
        ("seed = 1\n[train]\nsteps = 2\n", ["train.lr=0.5".to_owned()], ["seed=3".to_owned()]);
    let (read, written): (Nested, Written) =
        parse_toml_in_layers(Path::new("r.toml"), file, &[&one, &two]).unwrap();
    assert_eq!((read.seed, read.train.steps), (3, 2));
    let layers = ["seed", "train.steps", "train.lr", "train.batch", "train"].map(|key| written.layer(key));
    assert_eq!(layers, [Some(2), Some(0), Some(1), None, Some(0)]);
    assert!(
        written.belongs_with("train.lr", "train.steps") && !written.belongs_with("train.steps", "train.lr")
    );
    assert!(
        written.belongs_with("train.steps", "train.batch") && !written.belongs_with("train.batch", "seed")
    );
}

#[test]
fn a_comma_that_parts_no_three_digits_is_not_dropped_from_a_whole_number() {
    for (written, suggested) in [
        ("32,5", None),
        ("1,00", None),
        ("1,0000", None),
        ("1234,567", None),
        (",500", None),
        ("1,000,", None),
        ("1,000 000", None),
        ("1,000", Some("1000")),
        ("12,345,678", Some("12345678")),
        ("1'000", Some("1000")),
        ("10 000", Some("10000")),
    ] {
        let error = nested("seed = 1\n", &[&format!("train.steps={written}")]).unwrap_err();
        assert!(error.contains("train.steps: expected a whole number, 0 or more, got"), "{error}");
        match suggested {
            Some(number) => assert!(error.ends_with(&format!("; write {number}")), "{error}"),
            None => assert!(!error.contains("write"), "{error}"),
        }
    }
}

#[test]
fn a_number_too_large_for_toml_is_told_the_largest() {
    for number in ["18446744073709551615", "9223372036854775808", "99999999999999999999999"] {
        let error = nested("", &[&format!("seed={number}")]).unwrap_err();
        assert!(error.ends_with("; the largest is 9223372036854775807"), "{error}");
        let in_quotes = nested(&format!("seed = \"{number}\"\n"), &[]).unwrap_err();
        assert!(in_quotes.ends_with("; the largest is 9223372036854775807"), "{in_quotes}");
        let in_file = nested(&format!("seed = {number}\n"), &[]).unwrap_err();
        assert!(in_file.contains("r.toml, line 1") && !in_file.contains("write"), "{in_file}");
    }
    assert_eq!(nested("", &["seed=9223372036854775807"]).unwrap().seed, i64::MAX as u64);
    let of_32_bits = parse_toml::<Example>(Path::new("r"), "momentum = 1.0\nsteps = 4294967296\n");
    let error = of_32_bits.unwrap_err().to_string();
    assert!(error.ends_with("; the largest is 4294967295"), "{error}");
}

#[test]
fn a_list_where_text_is_needed_is_told_the_text_in_it() {
    for (written, suggested) in [
        ("[\"a\"]", Some("\"a\"")),
        ("['a b']", Some("\"a b\"")),
        ("7", Some("\"7\"")),
        ("true", Some("\"true\"")),
        ("[\"a\", \"b\"]", None),
        ("[1]", None),
        ("[]", None),
        ("{ a = 1 }", None),
    ] {
        let error = nested("", &[&format!("train.name={written}")]).unwrap_err();
        assert!(error.contains("train.name: expected text in quotes, got"), "{error}");
        match suggested {
            Some(text) => assert!(error.ends_with(&format!("; write {text}")), "{error}"),
            None => assert!(!error.contains("write"), "{error}"),
        }
    }
}

#[test]
fn all_wrong_keys_and_types_are_told_at_once_each_with_its_line_or_change() {
    let text =
        "seed = \"one\"\n[train]\nbatch_size = 3\nsteps = 1.5\nlr = 0.1\n[[groups]]\nname = 3\nlrr = 1\n";
    let error = nested(text, &[]).unwrap_err();
    for told in [
        "line 1: seed: expected a whole number",
        "line 3: train.batch_size: unknown field `batch_size`",
        "here it is `batch`",
        "line 4: train.steps: expected a whole number",
        "line 7: groups[0].name: expected text in quotes, got 3",
        "line 8: groups[0].lrr: unknown field `lrr`",
    ] {
        assert!(error.contains(told), "{told}: {error}");
    }
    assert_eq!(error.matches("\n  - ").count(), 5, "{error}");
    let error = nested("[train]\nstepz = 3\n", &["train.batch=x", "seed=y"]).unwrap_err();
    for told in [
        "line 2: train.stepz: unknown field `stepz`",
        "--set train.batch=x: train.batch",
        "--set seed=y: seed",
    ] {
        assert!(error.contains(told), "{told}: {error}");
    }
}

#[test]
fn a_key_that_is_wrong_is_not_told_as_missing_too() {
    let text = "[source]\nkind = 3\nstepz = 1\n[train]\nkind = \"a\"\nsteps = \"x\"\n";
    let error = parse_toml::<Needing>(Path::new("r.toml"), text).unwrap_err().to_string();
    assert_eq!(error.matches("\n  - ").count(), 3, "{error}");
    assert!(!error.contains("missing"), "{error}");
}

#[test]
fn a_problem_is_told_with_where_its_key_was_written() {
    let changes = ["train.batch=2".to_owned()];
    let text = "seed = 1\n[train]\nsteps = 3\n";
    let (_, written) = parse_toml_in_layers::<Nested>(Path::new("r"), text, &[&changes]).unwrap();
    let problems = ["train.steps: too few", "train.batch: too small", "train.lr: none"].map(str::to_owned);
    let located = written.located(problems.to_vec());
    assert_eq!(
        located,
        ["train.steps: too few (line 3)", "train.batch: too small (--set train.batch=2)", "train.lr: none"]
    );
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Needing {
    #[serde(rename = "source")]
    _source: Inner,
    #[serde(rename = "train")]
    _train: Option<Inner>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Inner {
    #[serde(rename = "kind")]
    _kind: String,
    #[serde(rename = "steps")]
    _steps: Option<u64>,
}

#[test]
fn what_the_whole_file_lacks_is_not_a_changes_fault() {
    for text in ["", "# nothing\n", "format = 1\n", "[train]\nkind = \"a\"\n"] {
        for changes in [&[][..], &["train.kind=b"], &["train.kind=b", "train.steps=1"]] {
            let changes: Vec<String> = changes.iter().map(|&change| change.to_owned()).collect();
            let error = parse_toml_with::<Needing>(Path::new("r.toml"), text, &changes).unwrap_err();
            assert_eq!(error.to_string(), "r.toml, line 1: missing field `source`", "{text:?} {changes:?}");
        }
    }
    // A section that a change made is the change's.
    let with = |change: &str| {
        let text = "source.kind = \"a\"\n";
        parse_toml_with::<Needing>(Path::new("r.toml"), text, &[change.to_owned()]).unwrap_err().to_string()
    };
    assert!(with("train.steps=1").starts_with("--set train.steps=1: "), "{}", with("train.steps=1"));
}
