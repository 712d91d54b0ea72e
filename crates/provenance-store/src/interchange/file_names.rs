//! The names of the files that records are written back to: the name that each came with, unless another record has it.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel::sql_types::{Array, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::naming;
use super::store::NewFile;
use crate::statement::statement;

statement!(
    /// Those of the names that records have.
    struct FindTaken { names: Vec<String> as Array<Text> }
    "SELECT file FROM imported_files WHERE kind = 'record' AND file = ANY ($1)"
);

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = Text)]
    file: String,
}

/// Gives records' files that want a name that is taken a spare one that is free.
pub(super) async fn give_names(conn: &mut AsyncPgConnection, files: &mut [NewFile]) -> QueryResult<()> {
    let mut nameless: Vec<&mut NewFile> = files.iter_mut().filter(|file| file.kind == "record").collect();
    let mut given = HashSet::new();
    for number in 1.. {
        if nameless.is_empty() {
            break;
        }
        let names = nameless.iter().map(|file| file.file.clone()).collect();
        let rows: Vec<Taken> = FindTaken { names }.load(conn).await?;
        let taken: HashSet<String> = rows.into_iter().map(|row| row.file).collect();
        nameless.retain(|file| taken.contains(&file.file) || !given.insert(file.file.clone()));
        for file in &mut nameless {
            file.file = naming::numbered(&file.spare_name, number);
        }
    }
    Ok(())
}
