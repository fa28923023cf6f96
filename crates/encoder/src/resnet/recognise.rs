//! A residual network read off the tensors of a file.

use burn::tensor::Device;
use zview_data::ImageShape;
use zview_network::layers::{Convolution, GateShape};

use super::super::architecture::{Architecture, Recognised};
use super::super::config::{EncoderConfig, Stem};
use super::super::file::{EncoderTensors, Header};
use super::plan::{BlockPlan, ConvPlan, Plan, ShortcutPlan};
use super::{ResNet, blocks};

const STAGES: usize = 4;

pub(super) fn recognise(
    file: &EncoderTensors,
    header: &Header,
    device: &Device,
) -> Result<Recognised<ResNet>, String> {
    let plan = plan(file)?;
    let config = config(&plan, header);
    let channels = plan.stem[0].inputs;
    let beyond = plan.beyond(&Plan::of(&config, channels));
    let mut make = |conv: &ConvPlan| {
        let shape = [conv.outputs, conv.inputs / conv.groups, conv.kernel, conv.kernel];
        Convolution::zeros(shape, conv.stride, conv.groups, device)
    };
    let network = ResNet::build(&plan, &mut make, device);
    let mut assumed = Vec::new();
    if plan.stem.len() == 1 && !plan.pool {
        assumed.push(match plan.stem[0].kernel {
            3 => "a 3x3 stem is taken to have stride 1 and no pooling, as for small images".to_owned(),
            _ => "no pooling after the 7x7 stem, as the file's numbers leave none a place".to_owned(),
        });
    }
    let described = describe(&plan, &config);
    let images = ImageShape { channels, height: 32, width: 32 };
    Ok(Recognised { network, config, images, beyond, assumed, doubts: Vec::new(), changed: None, described })
}

/// The layers, every size from a tensor's shape.
fn plan(file: &EncoderTensors) -> Result<Plan, String> {
    let stem = stem(file)?;
    let pool = match (stem.as_slice(), file.stem_pool()) {
        (_, Some(pool)) => pool,
        ([conv], None) => conv.kernel == 7,
        (_, None) => true,
    };
    let mut channels = stem[stem.len() - 1].outputs;
    let mut stages = Vec::new();
    for layer in 1.. {
        let mut stage = Vec::new();
        while file.has(&format!("layer{layer}.{}.conv1.weight", stage.len())) {
            let stride = if layer > 1 && stage.is_empty() { 2 } else { 1 };
            let block = block(file, &format!("layer{layer}.{}", stage.len()), channels, stride)?;
            channels = block.chain[block.chain.len() - 1].outputs;
            stage.push(block);
        }
        if stage.is_empty() {
            break;
        }
        stages.push(stage);
    }
    if stages.len() != STAGES {
        return Err(format!("a residual network of {} layers of blocks, expected {STAGES}", stages.len()));
    }
    let lengths: Vec<usize> = stages.iter().flatten().map(|block| block.chain.len()).collect();
    if lengths.iter().any(|&length| length != lengths[0]) {
        return Err("a residual network with blocks of two and of three convolutions".to_owned());
    }
    let plan = Plan { stem, pool, stages };
    check_groups(&plan)?;
    check_alike(&plan)?;
    Ok(plan)
}

fn stem(file: &EncoderTensors) -> Result<Vec<ConvPlan>, String> {
    let names: Vec<String> = if file.has("conv1.0.weight") {
        (0..).map(|index| format!("conv1.{}", 3 * index)).take_while(|name| weight_of(file, name)).collect()
    } else {
        vec!["conv1".to_owned()]
    };
    let deep = names.len() > 1;
    let mut inputs = None;
    let mut stem = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let [outputs, channels, kernel] = square(file, name)?;
        if inputs.is_some_and(|inputs| inputs != channels) {
            return Err(format!(
                "`{name}.weight` takes {channels} channels, the one before gives {inputs:?}"
            ));
        }
        let fits = if deep { kernel == 3 } else { matches!(kernel, 3 | 7) };
        if !fits {
            let expected = if deep { "3" } else { "3 or 7" };
            return Err(format!("a stem whose `{name}.weight` has kernel {kernel}, expected {expected}"));
        }
        let stride = if index == 0 && (deep || kernel == 7) { 2 } else { 1 };
        stem.push(ConvPlan { inputs: channels, outputs, kernel, stride, groups: 1 });
        inputs = Some(outputs);
    }
    match stem.first() {
        Some(ConvPlan { inputs: 1..=16, .. }) => Ok(stem),
        Some(conv) => Err(format!("a stem that takes {} channels, expected 1 to 16", conv.inputs)),
        None => Err("there is no `conv1.weight`".to_owned()),
    }
}

fn weight_of(file: &EncoderTensors, name: &str) -> bool {
    file.shape(&format!("{name}.weight")).is_some_and(|shape| shape.len() == 4)
}

fn block(file: &EncoderTensors, name: &str, channels: usize, stride: usize) -> Result<BlockPlan, String> {
    let count = (1..).take_while(|index| file.has(&format!("{name}.conv{index}.weight"))).count();
    // (kernel, stride) of each convolution.
    let expected = match count {
        2 => vec![(3, stride), (3, 1)],
        3 => vec![(1, 1), (3, stride), (1, 1)],
        other => {
            return Err(format!("a residual block `{name}` of {other} convolutions, expected 2 or 3"));
        }
    };
    let mut inputs = channels;
    let mut chain = Vec::new();
    for (index, (kernel, stride)) in expected.into_iter().enumerate() {
        let conv = format!("{name}.conv{}", index + 1);
        chain.push(convolution(file, &conv, inputs, kernel, stride)?);
        inputs = chain[index].outputs;
    }
    let shortcut = shortcut(file, name, channels, inputs, stride)?;
    let gate = gate(file, name, inputs)?;
    Ok(BlockPlan { chain, gate, shortcut })
}

fn shortcut(
    file: &EncoderTensors,
    name: &str,
    channels: usize,
    outputs: usize,
    stride: usize,
) -> Result<Option<ShortcutPlan>, String> {
    let plain = format!("{name}.downsample.0");
    let averaged = format!("{name}.downsample.1");
    let shortcut = if weight_of(file, &plain) {
        let [_, _, kernel] = square(file, &plain)?;
        if !matches!(kernel, 1 | 3) {
            return Err(format!("`{plain}.weight` has kernel {kernel}, expected 1 or 3"));
        }
        Some(ShortcutPlan { conv: convolution(file, &plain, channels, kernel, stride)?, averaged: None })
    } else if weight_of(file, &averaged) {
        let conv = convolution(file, &averaged, channels, 1, 1)?;
        Some(ShortcutPlan { conv, averaged: Some(stride) })
    } else {
        None
    };
    match shortcut {
        Some(shortcut) if shortcut.conv.groups > 1 => {
            Err(format!("a shortcut in groups: `{name}.downsample` has {} of them", shortcut.conv.groups))
        }
        Some(shortcut) if shortcut.conv.outputs != outputs => {
            Err(format!("`{name}.downsample` gives {} channels, expected {outputs}", shortcut.conv.outputs))
        }
        None if stride != 1 || channels != outputs => Err(format!(
            "`{name}` goes from {channels} to {outputs} channels with stride {stride} and has no `downsample`"
        )),
        shortcut => Ok(shortcut),
    }
}

fn gate(file: &EncoderTensors, name: &str, channels: usize) -> Result<Option<GateShape>, String> {
    let fc1 = format!("{name}.se.fc1.weight");
    let conv = format!("{name}.se.conv.weight");
    match (file.shape(&fc1), file.shape(&conv)) {
        (None, None) => Ok(None),
        (Some(&[reduced, inputs, 1, 1]), None) if inputs == channels => {
            Ok(Some(GateShape::SqueezeExcite(reduced)))
        }
        (None, Some(&[1, 1, length])) if length % 2 == 1 => Ok(Some(GateShape::AcrossChannels(length))),
        (Some(shape), _) => Err(format!("`{fc1}` has shape {shape:?}, expected [any, {channels}, 1, 1]")),
        (None, Some(shape)) => Err(format!("`{conv}` has shape {shape:?}, expected [1, 1, an odd length]")),
    }
}

/// A convolution of `inputs` channels; fewer inputs in the tensor mean groups.
fn convolution(
    file: &EncoderTensors,
    name: &str,
    inputs: usize,
    kernel: usize,
    stride: usize,
) -> Result<ConvPlan, String> {
    let [outputs, per_group, got] = square(file, name)?;
    if got != kernel {
        return Err(format!("`{name}.weight` has kernel {got}, expected {kernel}"));
    }
    if !inputs.is_multiple_of(per_group) || !outputs.is_multiple_of(inputs / per_group) {
        return Err(format!("`{name}.weight` has {per_group} inputs, its block {inputs} channels"));
    }
    Ok(ConvPlan { inputs, outputs, kernel, stride, groups: inputs / per_group })
}

/// Outputs, inputs and kernel of a square convolution.
fn square(file: &EncoderTensors, name: &str) -> Result<[usize; 3], String> {
    let key = format!("{name}.weight");
    match file.shape(&key) {
        Some(&[outputs, inputs, height, width]) if height == width && outputs > 0 && inputs > 0 => {
            Ok([outputs, inputs, height])
        }
        Some(shape) => Err(format!("`{key}` has shape {shape:?}, expected that of a square convolution")),
        None => Err(format!("there is no `{key}`")),
    }
}

/// Groups are where ResNeXt has them: in the middle of every block, as many everywhere.
fn check_groups(plan: &Plan) -> Result<(), String> {
    let mut middle = None;
    for (stage, blocks) in plan.stages.iter().enumerate() {
        for (index, block) in blocks.iter().enumerate() {
            for (place, conv) in block.chain.iter().enumerate() {
                let grouped = |of: &str| {
                    let ConvPlan { inputs, groups, .. } = conv;
                    Err(format!(
                        "a grouped ResNet: `layer{}.{index}.conv{}.weight` has {} inputs, a plain one {inputs} ({groups} \
                         groups); {of}",
                        stage + 1,
                        place + 1,
                        inputs / groups,
                    ))
                };
                match (block.chain.len(), place) {
                    (3, 1) => match middle {
                        Some(groups) if groups != conv.groups => {
                            return grouped("blocks with different groups are no ResNeXt");
                        }
                        _ => middle = Some(conv.groups),
                    },
                    _ if conv.groups > 1 => {
                        return grouped(
                            "groups are read in the middle of blocks of three convolutions, as ResNeXt-50 (32x4d) has \
                             them",
                        );
                    }
                    _ => {}
                }
            }
        }
    }
    Ok(())
}

/// Refuses blocks of which some have what others have not.
fn check_alike(plan: &Plan) -> Result<(), String> {
    let gate_of = |block: &BlockPlan| match block.gate {
        None => "no gate",
        Some(GateShape::SqueezeExcite(_)) => "squeeze-and-excitation (`se.fc1`)",
        Some(GateShape::AcrossChannels(_)) => "efficient channel attention (`se.conv`)",
    };
    let (mut gates, mut shortcuts) = (None, None);
    for (stage, blocks) in plan.stages.iter().enumerate() {
        for (index, block) in blocks.iter().enumerate() {
            let name = format!("layer{}.{index}", stage + 1);
            let gate = gate_of(block);
            let (first, expected) = gates.get_or_insert_with(|| (name.clone(), gate));
            if *expected != gate {
                return Err(format!("blocks that differ: `{first}` has {expected}, `{name}` has {gate}"));
            }
            let Some(shortcut) = &block.shortcut else { continue };
            let place = usize::from(shortcut.averaged.is_some());
            let (first, expected) = shortcuts.get_or_insert_with(|| (name.clone(), place));
            if *expected != place {
                return Err(format!(
                    "blocks that differ: the convolution of `{first}.downsample` is number {expected}, that of \
                     `{name}.downsample` number {place}"
                ));
            }
        }
    }
    Ok(())
}

/// The nearest network that a recipe has.
fn config(plan: &Plan, header: &Header) -> EncoderConfig {
    let counts: Vec<usize> = plan.stages.iter().map(Vec::len).collect();
    let bottleneck = plan.is_bottleneck();
    let (candidates, other): (&[Architecture], _) = if bottleneck {
        let all = &[Architecture::Resnet50, Architecture::Resnet101, Architecture::Resnet152];
        (all, Architecture::Resnet50)
    } else {
        (&[Architecture::Resnet18, Architecture::Resnet34], Architecture::Resnet18)
    };
    let arch = candidates.iter().copied().find(|&arch| blocks(arch)[..] == counts[..]).unwrap_or(other);
    let last = plan.stem[plan.stem.len() - 1];
    let small = plan.stem.len() == 1 && last.kernel == 3;
    EncoderConfig {
        arch,
        width: last.outputs,
        stem: if small { Stem::Small } else { Stem::Imagenet },
        pixel_mean: header.pixel_mean,
        pixel_std: header.pixel_std,
        ..EncoderConfig::default()
    }
}

/// Such as "a ResNet-50 of width 64".
fn describe(plan: &Plan, config: &EncoderConfig) -> String {
    let counts: Vec<usize> = plan.stages.iter().map(Vec::len).collect();
    let per_block = if plan.is_bottleneck() { 3 } else { 2 };
    let depth = counts.iter().sum::<usize>() * per_block + 2;
    format!("a ResNet-{depth} of width {}", config.width)
}
