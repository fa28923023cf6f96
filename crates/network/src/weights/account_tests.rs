//! Names under wrappers, dictionaries within dictionaries, and what becomes of every tensor.

use safetensors::Dtype;
use safetensors::tensor::TensorView;

use super::test_files::{calling_pickle, float_tensor, legacy_file, state_dict_pickle, zip_file};
use super::{StateDict, WeightsError};

struct Folder(tempfile::TempDir);

impl Folder {
    /// A state dict of vectors of two, each of which has its place as values.
    fn read(names: &[&'static str], state_dict: Option<&str>) -> Result<StateDict, WeightsError> {
        let folder = Self(tempfile::tempdir().unwrap());
        let tensors: Vec<_> = names
            .iter()
            .enumerate()
            .map(|(index, name)| float_tensor(name, [1, 2], &[index as f32, 0.5]))
            .collect();
        let path = folder.0.path().join("w.pth");
        std::fs::write(&path, zip_file(&state_dict_pickle(&tensors, false), &tensors)).unwrap();
        // Tensors are read from the open file.
        StateDict::read(&path, state_dict)
    }
}

fn first(state: &mut StateDict, key: &str) -> f32 {
    state.take(key, &[1, 2]).unwrap_or_else(|error| panic!("{error}"))[0]
}

#[test]
fn names_under_wrappers_are_found_by_themselves() {
    for prefix in
        ["module.", "generator.", "netG.", "_orig_mod.", "module._orig_mod.", "state_dict.G.module."]
    {
        let names = [format!("{prefix}0.weight"), format!("{prefix}1.weight")].map(|name| &*name.leak());
        let mut state = Folder::read(&[names[0], names[1], "netD.0.weight"], None).unwrap();
        assert_eq!(state.shape("1.weight"), Some(&[1, 2][..]));
        assert_eq!((first(&mut state, "0.weight"), first(&mut state, "1.weight")), (0.0, 1.0));
        assert_eq!(state.found_prefix(), Some(prefix));
        let account = state.account();
        assert_eq!(account.used.len(), 2);
        assert_eq!(account.unneeded, [("netD.0.weight".to_owned(), "a discriminator's".to_owned())]);
        assert!(state.unused().is_empty());
    }
}

#[test]
fn wrappers_of_single_layers_are_passed_over() {
    let names = ["net._orig_mod.0.weight", "net.1._checkpoint_wrapped_module.weight", "net.module.2.weight"];
    let mut state = Folder::read(&names, None).unwrap();
    for (key, value) in [("net.0.weight", 0.0), ("net.1.weight", 1.0), ("net.2.weight", 2.0)] {
        assert_eq!(first(&mut state, key), value);
    }
    assert!(state.unused().is_empty());
}

#[test]
fn one_wrapper_serves_all_keys() {
    let mut state = Folder::read(&["module.a.weight", "b.weight", "module.c.weight"], None).unwrap();
    assert_eq!(first(&mut state, "a.weight"), 0.0);
    assert!(state.take("b.weight", &[1, 2]).is_err());
    let mut state = Folder::read(&["a.weight", "module.b.weight"], None).unwrap();
    assert_eq!(first(&mut state, "a.weight"), 0.0);
    let error = state.take("b.weight", &[1, 2]).unwrap_err().to_string();
    assert!(error.contains("state_dict = \"module\""), "{error}");
}

#[test]
fn two_networks_under_wrappers_are_named_and_each_hint_works() {
    let names = ["generator.0.weight", "g_ema.0.weight", "discriminator.0.weight"];
    let error = Folder::read(&names, None).unwrap().take("0.weight", &[1, 2]).unwrap_err().to_string();
    assert!(error.contains("write `state_dict = \"g_ema\"` or `state_dict = \"generator\"` in"), "{error}");
    for (key, value) in [("generator", 0.0), ("g_ema", 1.0), ("discriminator", 2.0)] {
        let mut state = Folder::read(&names, Some(key)).unwrap();
        assert_eq!(first(&mut state, "0.weight"), value);
        assert_eq!(state.account().unneeded.len(), 2);
    }
}

#[test]
fn a_discriminator_is_never_found_by_itself() {
    let error =
        Folder::read(&["netD.0.weight"], None).unwrap().take("0.weight", &[1, 2]).unwrap_err().to_string();
    assert!(error.contains("state_dict = \"netD\""), "{error}");
}

#[test]
fn dictionaries_within_dictionaries_are_named_with_dots() {
    let names = ["ema.model.0.weight", "ema.other.0.weight", "x"];
    let mut state = Folder::read(&names, Some("ema.other")).unwrap();
    assert_eq!(first(&mut state, "0.weight"), 1.0);
    let mut state = Folder::read(&names, Some("ema")).unwrap();
    assert_eq!(first(&mut state, "0.weight"), 0.0, "`model.` is a wrapper, `other.` is none");
    let error = Folder::read(&names, Some("emma")).unwrap_err().to_string();
    assert!(error.contains("there are `ema`"), "{error}");
    let error = Folder::read(&names, Some("x")).unwrap_err().to_string();
    assert!(error.contains("`x` is a tensor"), "{error}");
}

#[test]
fn an_unused_tensor_is_refused_by_name() {
    let mut state = Folder::read(&["a.weight", "b.gamma", "c.num_batches_tracked"], None).unwrap();
    first(&mut state, "a.weight");
    let error = state.refuse_unused().unwrap_err().to_string();
    assert!(error.contains("1 tensors") && error.contains("`b.gamma`"), "{error}");
    state.set_aside(|name| name.starts_with("b."), "a head");
    state.refuse_unused().unwrap();
    let account = state.account();
    assert_eq!(account.unneeded[0], ("b.gamma".to_owned(), "a head".to_owned()));
}

#[test]
fn a_wrapper_in_safetensors_is_found_and_named_alike() {
    let bytes = [1.0f32, 2.0].map(f32::to_le_bytes).concat();
    let view = || TensorView::new(Dtype::F32, vec![2], &bytes).unwrap();
    let file = safetensors::serialize([("module.a", view()), ("other.a", view())], None).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    std::fs::write(&path, file).unwrap();
    let mut state = StateDict::read(&path, None).unwrap();
    assert_eq!(state.take("a", &[2]).unwrap(), [1.0, 2.0]);
    let mut state = StateDict::read(&path, Some("other")).unwrap();
    assert_eq!(state.take("a", &[2]).unwrap(), [1.0, 2.0]);
}

#[test]
fn element_types_of_safetensors_that_are_not_read_are_refused_only_where_needed() {
    let half = [0x00, 0x3c];
    let one = TensorView::new(Dtype::F16, vec![1], &half).unwrap();
    let small = [0x38];
    let odd = TensorView::new(Dtype::F8_E4M3, vec![1], &small).unwrap();
    let flag = TensorView::new(Dtype::BOOL, vec![1], &small).unwrap();
    let file = safetensors::serialize([("a", one), ("b", odd), ("c", flag)], None).unwrap();
    let mut state = StateDict::parse_safetensors("w.safetensors".as_ref(), &file).unwrap();
    assert_eq!(state.take("a", &[1]).unwrap(), [1.0]);
    let error = state.take("b", &[1]).unwrap_err().to_string();
    assert!(error.contains("float8_e4m3fn"), "{error}");
}

#[test]
fn a_header_that_is_no_header_is_an_error() {
    let header = |text: &str, data: usize| {
        let mut file = (text.len() as u64).to_le_bytes().to_vec();
        file.extend(text.bytes());
        file.extend(vec![0; data]);
        file
    };
    let tensor = |from, to| format!("{{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[{from},{to}]}}");
    for (text, data) in [
        (format!("{{\"a\":{},\"b\":{}}}", tensor(0, 4), tensor(0, 4)), 4),
        (format!("{{\"a\":{},\"b\":{}}}", tensor(0, 4), tensor(8, 12)), 12),
        (format!("{{\"a\":{},\"a\":{}}}", tensor(0, 4), tensor(4, 8)), 8),
        (format!("{{\"a\":{}}}", tensor(0, 8)), 8),
        (format!("{{\"a\":{}}}", tensor(0, 4)), 5),
        (format!("{{\"a\":{}}}", tensor(4, 0)), 4),
        (
            "{\"a\":{\"dtype\":\"F32\",\"shape\":[18446744073709551615,2],\"data_offsets\":[0,4]}}"
                .to_owned(),
            4,
        ),
        ("[".repeat(100_000), 0),
    ] {
        let error = StateDict::parse_safetensors("w.safetensors".as_ref(), &header(&text, data)).unwrap_err();
        assert!(matches!(error, WeightsError::Malformed { .. }), "{text:.60}: {error}");
    }
}

#[test]
fn a_safetensors_file_of_4_gib_is_not_read_whole() {
    use std::io::{Seek, SeekFrom, Write};
    let bytes = (4u64 << 30) - 8;
    let text = format!(
        "{{\"big\":{{\"dtype\":\"U8\",\"shape\":[{bytes}],\"data_offsets\":[0,{bytes}]}},\
         \"small\":{{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[{bytes},{}]}}}}",
        bytes + 8
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(&(text.len() as u64).to_le_bytes()).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.seek(SeekFrom::Current(bytes as i64)).unwrap();
    file.write_all(&[1.0f32, 2.0].map(f32::to_le_bytes).concat()).unwrap();
    let start = std::time::Instant::now();
    let mut state = StateDict::read(&path, None).unwrap();
    assert_eq!(state.take("small", &[2]).unwrap(), [1.0, 2.0]);
    assert!(start.elapsed() < std::time::Duration::from_secs(1));
}

#[test]
fn a_pickle_that_is_only_a_call_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.pth");
    std::fs::write(&path, legacy_file(&calling_pickle("true", false), &[])).unwrap();
    let error = StateDict::read(&path, None).unwrap_err().to_string();
    assert!(error.contains("posix.system"), "{error}");
}

fn of_pytorch(name: &str, state_dict: Option<&str>) -> Result<StateDict, WeightsError> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../torch-file/tests/golden");
    StateDict::read(&std::path::Path::new(folder).join(name), state_dict)
}

#[test]
fn a_pickled_module_is_read_as_its_state_dict_and_an_object_only_where_it_is_named() {
    for (name, key) in [("module.pth", "net.0.weight"), ("module-legacy.pth", "net.0.weight")] {
        let mut state = of_pytorch(name, None).unwrap();
        assert_eq!(state.take(key, &[2, 3]).unwrap().len(), 6, "{name}");
        let attributes =
            state.account().unneeded.into_iter().filter(|(_, reason)| reason.contains("__main__.Net"));
        assert_eq!(attributes.count(), 2, "{name}: `plain` and `scratch` are in no state dict");
    }
    let mut ema = of_pytorch("beside-ema.pth", Some("ema.shadow")).unwrap();
    assert_eq!(ema.take("net.0.weight", &[2, 3]).unwrap().len(), 6);
    let mut state = of_pytorch("beside-ema.pth", Some("state_dict")).unwrap();
    assert_eq!(state.take("net.0.weight", &[2, 3]).unwrap().len(), 6);
    assert!(state.account().unneeded.iter().any(|(name, _)| name == "ema.shadow.net.0.weight"));
}

/// Two numbers in the words of pickle protocol 0: the storage `key` as a tensor of (1, 2).
fn in_protocol_0(key: usize) -> String {
    format!(
        "ctorch._utils\n_rebuild_tensor_v2\n(P('storage', <class 'torch.FloatStorage'>, '{key}', 'cpu', 2)\n\
         I0\n(I1\nI2\nt(I2\nI1\ntI00\nccollections\nOrderedDict\n(tRtR"
    )
}

fn read_pickle(pickle: &str, state_dict: Option<&str>) -> Result<StateDict, WeightsError> {
    let tensors = [float_tensor("a", [1, 2], &[1.5, -2.0]), float_tensor("b", [1, 2], &[3.0, 4.0])];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.pth");
    std::fs::write(&path, zip_file(pickle.as_bytes(), &tensors)).unwrap();
    StateDict::read(&path, state_dict)
}

#[test]
fn a_file_of_pickle_protocol_0_is_read() {
    let pickle = format!("(dVa\n{}sVb\n{}s.", in_protocol_0(0), in_protocol_0(1));
    let mut state = read_pickle(&pickle, None).unwrap();
    assert_eq!(state.take("a", &[1, 2]).unwrap(), [1.5, -2.0]);
    assert_eq!(state.take("b", &[1, 2]).unwrap(), [3.0, 4.0]);
    let other = pickle.replace("('storage'", "(storage");
    let error = read_pickle(&other, None).unwrap().take("a", &[1, 2]).unwrap_err().to_string();
    assert!(error.contains("protocol 0") && error.contains("default protocol"), "{error}");
}

#[test]
fn a_list_of_names_and_tensors_is_read_as_the_dictionary_that_it_lists() {
    let pickle = format!("(l(Vnet.0.a\n{}ta(Vnet.0.b\n{}ta.", in_protocol_0(0), in_protocol_0(1));
    let mut state = read_pickle(&pickle, None).unwrap();
    assert_eq!(state.take("net.0.b", &[1, 2]).unwrap(), [3.0, 4.0]);
    assert_eq!(state.take("net.0.a", &[1, 2]).unwrap(), [1.5, -2.0]);
}

#[test]
fn averages_in_a_list_without_names_say_that_names_are_missing() {
    let list = format!("(l{}a{}a", in_protocol_0(0), in_protocol_0(1));
    let object = format!(
        "(dVema\nccopy_reg\n_reconstructor\n(c__main__\nEMA\nc__builtin__\nobject\nNtR\
                          (dVshadow_params\n{list}sbs."
    );
    let error = read_pickle(&object, None).unwrap_err().to_string();
    assert!(error.contains("without names, `ema.shadow_params`"), "{error}");
    assert!(error.contains("ema.copy_to(model.parameters())"), "{error}");
    assert!(!error.contains("state_dict = "), "{error}");
    for (pickle, key) in [(object, Some("ema.shadow_params")), (format!("(dVshadow_params\n{list}s."), None)]
    {
        let error = read_pickle(&pickle, key).unwrap().take("a.weight", &[1, 2]).unwrap_err().to_string();
        assert!(error.contains("in a list without names") && error.contains("copy_to"), "{error}");
    }
}

#[test]
fn a_parametrization_that_is_not_worked_out_is_named_with_how_to_remove_it() {
    let stacked = [
        "net.0.parametrizations.weight.0._u",
        "net.0.parametrizations.weight.0._v",
        "net.0.parametrizations.weight.1._u",
        "net.0.parametrizations.weight.original",
    ];
    let orthogonal =
        ["module.net.0.parametrizations.weight.0.base", "module.net.0.parametrizations.weight.original"];
    for (names, parts) in [
        (&stacked[..], "`net.0.parametrizations.weight.*`"),
        (&orthogonal[..], "`module.net.0.parametrizations.weight.*`"),
    ] {
        let error = Folder::read(names, None).unwrap().take("net.0.weight", &[1, 2]).unwrap_err().to_string();
        assert!(error.contains(parts), "{error}");
        assert!(error.contains("torch.nn.utils.parametrize.remove_parametrizations"), "{error}");
    }
}
