//! Which of a checkpoint's networks is read: methods save students with teachers, encoders with their averages.

use super::naming::Candidate;

/// How a network of a checkpoint stands to the others, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// What the method's authors evaluate, though it is an average: the teacher of DINO and iBOT beside its student, the
    /// target encoder of I-JEPA beside the encoder that sees the context.
    Evaluated,
    /// The trained network itself: MoCo's `encoder_q`, BYOL's `online_encoder`.
    Trained,
    /// An average of it, or what it is compared with.
    Average,
    /// No encoder.
    Other,
}

/// The network of `candidates` that is read, as its place among them. `asked` is a part of its names, or all that stands
/// before them.
pub(super) fn choose(candidates: &[Candidate], asked: Option<&str>) -> Result<usize, String> {
    let all: Vec<usize> = (0..candidates.len()).collect();
    let of_branch: Vec<usize> = match asked {
        None => all,
        Some(asked) => {
            let asked = asked.trim_end_matches('.');
            let is = |&place: &usize| {
                let prefix = candidates[place].prefix.trim_end_matches('.');
                prefix == asked || prefix.split('.').any(|part| part == asked)
            };
            all.into_iter().filter(is).collect()
        }
    };
    let rank = |place: usize| rank(&candidates[place], candidates);
    let best = of_branch.iter().map(|&place| rank(place)).min();
    let chosen: Vec<usize> = of_branch.into_iter().filter(|&place| Some(rank(place)) == best).collect();
    match (chosen.as_slice(), asked) {
        ([one], _) => Ok(*one),
        ([], Some(asked)) => {
            Err(format!("no network's names have `{asked}` before them; there are {}", list(candidates)))
        }
        _ => Err(format!(
            "it holds several networks: {}; say which with --branch (encoder.branch)",
            list(candidates)
        )),
    }
}

/// The networks by what stands before their names.
pub(super) fn list(candidates: &[Candidate]) -> String {
    let names: Vec<String> = candidates.iter().map(name).collect();
    names.join(", ")
}

/// A network by what stands before its names.
pub(super) fn name(candidate: &Candidate) -> String {
    match candidate.prefix.trim_end_matches('.') {
        "" => "the one without a prefix".to_owned(),
        prefix => format!("`{prefix}`"),
    }
}

fn rank(candidate: &Candidate, all: &[Candidate]) -> Rank {
    let parts: Vec<&str> = candidate.prefix.split('.').filter(|part| !part.is_empty()).collect();
    let any = |is: &dyn Fn(&str) -> bool| parts.iter().any(|part| is(part));
    let beside = |from: &str, to: &str| {
        let own = unwrapped(&candidate.prefix);
        let other = own.replace(from, to);
        other != own && all.iter().any(|one| unwrapped(&one.prefix) == other)
    };
    if any(&|part| part.contains("decoder") || part.contains("predictor")) {
        return Rank::Other;
    }
    if any(&|part| part.contains("teacher")) {
        return if beside("teacher", "student") { Rank::Evaluated } else { Rank::Trained };
    }
    if any(&|part| part == "target_encoder") && beside("target_encoder", "encoder") {
        return Rank::Evaluated;
    }
    if any(&is_average) { Rank::Average } else { Rank::Trained }
}

/// A prefix without what parallel and compiled modules put in: of a student and its teacher, only one may have it.
fn unwrapped(prefix: &str) -> String {
    let parts = prefix.split('.').filter(|part| !matches!(*part, "" | "module" | "_orig_mod"));
    parts.collect::<Vec<_>>().join(".")
}

fn is_average(part: &str) -> bool {
    const WORDS: [&str; 8] = ["ema", "momentum", "target", "key", "shadow", "averaged", "average", "swa"];
    part == "encoder_k" || part.split('_').any(|word| WORDS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::super::naming::Naming;
    use super::*;

    fn chosen<'a>(prefixes: &[&'a str], asked: Option<&str>) -> Result<&'a str, String> {
        let candidates: Vec<Candidate> = prefixes
            .iter()
            .map(|prefix| Candidate { prefix: (*prefix).to_owned(), naming: Naming::ResNet })
            .collect();
        choose(&candidates, asked).map(|place| prefixes[place])
    }

    #[test]
    fn each_methods_own_encoder_is_read() {
        for (prefixes, expected) in [
            (&["state_dict.module.encoder_k.", "state_dict.module.encoder_q."][..], 1),
            (&["state_dict.module.base_encoder.", "state_dict.module.momentum_encoder."], 0),
            (&["student.module.backbone.", "teacher.module.backbone."], 1),
            (&["student.backbone.", "teacher.backbone."], 1),
            (&["student.module.backbone.", "teacher.backbone."], 1),
            (&["student._orig_mod.module.backbone.", "teacher._orig_mod.backbone."], 1),
            (&["encoder.module.", "target_encoder."], 1),
            (&["encoder.module.", "target_encoder.module."], 1),
            (&["online_encoder.net.", "target_encoder.net."], 0),
            (&["state_dict.", "state_dict_ema."], 0),
            (&["ema_state_dict.", "model_state_dict."], 1),
            (&["model.", "model_ema."], 0),
            (&["", "ema."], 0),
            (&["state_dict.backbone.", "state_dict.momentum_backbone."], 0),
            (&["state_dict.backbone.", "state_dict.backbone_momentum."], 0),
            (&["state_dict_ema."], 0),
            (&["teacher."], 0),
        ] {
            assert_eq!(chosen(prefixes, None), Ok(prefixes[expected]), "{prefixes:?}");
        }
    }

    #[test]
    fn another_branch_is_asked_for_by_any_part_of_its_name() {
        let moco = ["state_dict.module.encoder_k.", "state_dict.module.encoder_q."];
        for asked in ["encoder_k", "state_dict.module.encoder_k", "state_dict.module.encoder_k."] {
            assert_eq!(chosen(&moco, Some(asked)), Ok(moco[0]));
        }
        let wrong = chosen(&moco, Some("encoder")).unwrap_err();
        assert!(wrong.contains("`encoder`") && wrong.contains("`state_dict.module.encoder_k`"), "{wrong}");
        let two = chosen(&["left.", "right."], None).unwrap_err();
        assert!(two.contains("`left`, `right`") && two.contains("--branch"), "{two}");
    }
}
