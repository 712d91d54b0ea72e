//! Asynchronous work in a destructor.

/// Runs `work` to its end on a thread and runtime of its own, since the test's runtime may be blocked
/// by this very call, or gone. Failures are told on stderr: the test's verdict is already known.
pub(crate) fn finish(what: String, work: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
    let thread = std::thread::spawn(move || -> anyhow::Result<()> {
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
    });
    match thread.join() {
        Ok(Ok(())) => {}
        Ok(Err(error)) => eprintln!("{what}: {error:#}"),
        Err(_) => eprintln!("{what}: panicked"),
    }
}
