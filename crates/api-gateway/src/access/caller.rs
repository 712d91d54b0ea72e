//! Who makes a request, and what that allows.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use protocol::ProjectId;
use serde::Serialize;
use thiserror::Error;
use uuid::Uuid;

/// Names a key without being it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub(crate) struct KeyId(pub(crate) Uuid);

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(formatter)
    }
}

/// What a key is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scope {
    /// Looking.
    Read,
    /// Changing.
    Write,
    /// Everything, the keys themselves included.
    Admin,
}

/// A word that is no scope.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("must be one of read, write, admin")]
pub(crate) struct UnknownScope;

impl Scope {
    /// As it is written.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(word: &str) -> Result<Self, UnknownScope> {
        [Self::Read, Self::Write, Self::Admin]
            .into_iter()
            .find(|scope| scope.as_str() == word)
            .ok_or(UnknownScope)
    }
}

/// Who makes a request. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Caller(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    key_id: Option<KeyId>,
    name: String,
    scopes: Vec<Scope>,
    projects: Option<Vec<ProjectId>>,
}

impl Caller {
    /// Whoever it is, where nobody is asked for a key.
    pub(crate) fn anonymous() -> Self {
        let name = "anonymous".to_owned();
        Self(Arc::new(Parts { key_id: None, name, scopes: vec![Scope::Admin], projects: None }))
    }

    /// The holder of a key.
    pub(crate) fn holder(
        key_id: KeyId,
        name: String,
        scopes: Vec<Scope>,
        projects: Option<Vec<ProjectId>>,
    ) -> Self {
        Self(Arc::new(Parts { key_id: Some(key_id), name, scopes, projects }))
    }

    /// What tells callers apart.
    pub(crate) fn id(&self) -> String {
        self.0.key_id.map_or_else(|| self.0.name.clone(), |id| id.to_string())
    }

    /// What people call it.
    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    /// The name of its key, where it holds one.
    pub(crate) fn key_name(&self) -> Option<String> {
        self.has_key().then(|| self.0.name.clone())
    }

    /// Whether it holds a key.
    pub(crate) fn has_key(&self) -> bool {
        self.0.key_id.is_some()
    }

    /// Whether it has the right. An administrator has every right.
    pub(crate) fn may(&self, scope: Scope) -> bool {
        self.0.scopes.contains(&scope) || self.0.scopes.contains(&Scope::Admin)
    }

    /// The only projects it may see; `None` for all.
    pub(crate) fn projects(&self) -> Option<&[ProjectId]> {
        self.0.projects.as_deref()
    }

    /// Whether it may see this project.
    pub(crate) fn sees(&self, project: &ProjectId) -> bool {
        self.projects().is_none_or(|projects| projects.contains(project))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(scopes: &[Scope], projects: Option<&[&str]>) -> Caller {
        let projects = projects.map(|ids| ids.iter().map(|id| ProjectId::new(*id).unwrap()).collect());
        Caller::holder(KeyId(Uuid::nil()), "ci".to_owned(), scopes.to_vec(), projects)
    }

    #[test]
    fn a_scope_gives_its_own_right_and_administration_gives_all() {
        let all = [Scope::Read, Scope::Write, Scope::Admin];
        for (scopes, rights) in [
            (&[Scope::Read][..], &[Scope::Read][..]),
            (&[Scope::Write], &[Scope::Write]),
            (&[Scope::Read, Scope::Write], &[Scope::Read, Scope::Write]),
            (&[Scope::Admin], &all),
        ] {
            let caller = holder(scopes, None);
            let has: Vec<Scope> = all.into_iter().filter(|scope| caller.may(*scope)).collect();
            assert_eq!(has, rights, "{scopes:?}");
        }
        assert!(all.into_iter().all(|scope| Caller::anonymous().may(scope)));
    }

    #[test]
    fn a_bound_key_sees_its_projects_and_no_others() {
        let caller = holder(&[Scope::Read], Some(&["web"]));
        assert!(caller.sees(&ProjectId::new("web").unwrap()));
        assert!(!caller.sees(&ProjectId::default()));
        assert!(holder(&[Scope::Read], None).sees(&ProjectId::default()));
    }
}
