//! How this process holds on to memory.

/// Keeps memory that is given back for the next step, instead of handing it to the operating system: a training step
/// frees and takes the same buffers again and again, and mapping and zeroing them took 15 % of its time on the CPU.
/// Does nothing but on Linux with glibc; a user's own `MALLOC_` settings win.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        /// Grown by this much at a time.
        const STEP: i32 = 64 << 20;
        let set_by_user = std::env::vars_os().any(|(name, _)| {
            let name = name.to_string_lossy();
            name.starts_with("MALLOC_") || name == "GLIBC_TUNABLES"
        });
        if !set_by_user {
            // SAFETY: sets numbers of the allocator, before other threads are started.
            unsafe {
                libc::mallopt(libc::M_MMAP_MAX, 0);
                libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
                libc::mallopt(libc::M_TOP_PAD, STEP);
            }
        }
    }
}

/// Hands memory that is free by now to the operating system, once, after work that took much more than what follows.
/// Does nothing but on Linux with glibc.
pub fn give_back_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: asks the allocator to give up pages that hold nothing.
    unsafe {
        libc::malloc_trim(0);
    }
}
