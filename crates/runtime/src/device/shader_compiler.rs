//! What shaders are written in.

use serde::Serialize;

/// The language in which the framework gives its shaders to an adapter's driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShaderCompiler {
    /// WGSL, which every adapter takes.
    Wgsl,
    /// SPIR-V, in a build with `vulkan` on a Vulkan adapter that supports what it needs.
    Spirv,
    /// Metal Shading Language, in a build with `metal`.
    Msl,
}

impl ShaderCompiler {
    /// Its name in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Wgsl => "wgsl",
            Self::Spirv => "spirv",
            Self::Msl => "msl",
        }
    }

    /// The compiler in the framework's name for what computes on a device, such as `fusion<cubecl<wgpu<spirv>>>`.
    #[cfg(any(feature = "wgpu", test))]
    pub(super) fn in_backend_name(name: &str) -> Option<Self> {
        let inner = name.split_once("wgpu<")?.1;
        [Self::Wgsl, Self::Spirv, Self::Msl]
            .into_iter()
            .find(|compiler| inner.split('>').next() == Some(compiler.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_from_the_name_of_the_backend() {
        let read = ShaderCompiler::in_backend_name;
        assert_eq!(read("dispatch<cubecl<wgpu<wgsl>>>"), Some(ShaderCompiler::Wgsl));
        assert_eq!(read("dispatch<fusion<cubecl<wgpu<spirv>>>>"), Some(ShaderCompiler::Spirv));
        assert_eq!(read("dispatch<cubecl<wgpu<msl>>>"), Some(ShaderCompiler::Msl));
        assert_eq!(read("dispatch<flex>"), None);
        assert_eq!(read("dispatch<cubecl<wgpu<other>>>"), None);
    }
}
