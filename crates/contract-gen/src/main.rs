//! `contract-gen [FOLDER]` writes the event contract, by default into `proto-events/`.

use std::path::PathBuf;

use anyhow::Context;

fn main() -> anyhow::Result<()> {
    let folder = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("proto-events"), PathBuf::from);
    for (path, content) in contract_gen::documents()? {
        let path = folder.join(path);
        let parent = path.parent().context("a document without a folder")?;
        std::fs::create_dir_all(parent).with_context(|| format!("making {}", parent.display()))?;
        std::fs::write(&path, content).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}
