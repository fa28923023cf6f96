//! The comparison with the CPU that comes before a command computes on a graphics adapter.

use std::io::Write;

use zview_runtime::cache_folder;
use zview_runtime::device::{ChosenDevice, SelfcheckOutcome};
use zview_selfcheck::{PreflightVerdict, Workload, preflight};

use super::selfcheck::complaint;
use crate::arguments::{Common, SelfcheckMode};
use crate::failure::Failure;

/// The device, compared with the CPU for what the command is about to compute as `--selfcheck` says. Fails with
/// exit code 3 where it must not be used.
pub fn checked(
    mut device: ChosenDevice,
    workload: &Workload<'_>,
    common: &Common,
) -> Result<ChosenDevice, Failure> {
    if !device.is_gpu() || common.selfcheck == SelfcheckMode::Skip {
        return Ok(device);
    }
    let say = |what: String| {
        let _ = writeln!(std::io::stderr(), "{what}"); // a closed stderr must not end the work
    };
    let starting =
        || say(format!("checking {} against the CPU (once per driver, build and shape)", device.name));
    let (cache, planted) = (cache_folder(), common.plant_fault.as_deref());
    let verdict = preflight(workload, &device, cache.as_deref(), planted, starting)?;
    device.selfcheck = match verdict {
        PreflightVerdict::PassedEarlier => SelfcheckOutcome::PassedEarlier,
        PreflightVerdict::Checked(result) if result.holds => SelfcheckOutcome::Passed,
        PreflightVerdict::Checked(result) if common.selfcheck == SelfcheckMode::Warn => {
            say(format!("{}\ngoing on all the same, as asked for", complaint(&result)));
            SelfcheckOutcome::Failed
        }
        PreflightVerdict::Checked(result) => {
            let remedy = "or go on all the same with `--selfcheck warn`";
            return Err(Failure::check(format!("{}; {remedy}", complaint(&result))));
        }
    };
    Ok(device)
}
