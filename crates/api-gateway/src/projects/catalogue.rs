//! The use cases around projects: make, list, show, change, delete.

mod store;

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::AsyncConnection;
use protocol::{ProjectId, Timestamp};
use service_runtime::database::StoreError;
use thiserror::Error;

use super::project::{Change, NewProject, Project, ProjectChange};
use crate::tasks::TaskService;

/// Why something was not done with a project.
#[derive(Debug, Error)]
pub(crate) enum ProjectError {
    /// There is none of that id.
    #[error("there is no project {0}")]
    NotFound(ProjectId),
    /// There is one of that id already.
    #[error("there is a project {0} already")]
    Exists(ProjectId),
    /// It has tasks.
    #[error("project {0} has tasks")]
    NotEmpty(ProjectId),
    /// The default project stays.
    #[error("the default project cannot be deleted")]
    Default,
    /// The store could not do it.
    #[error("the store could not do it")]
    Store(#[from] StoreError),
}

impl From<DieselError> for ProjectError {
    fn from(error: DieselError) -> Self {
        Self::Store(error.into())
    }
}

/// Some projects, and how many there are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ProjectPage {
    /// Newest first.
    pub(crate) projects: Vec<Project>,
    /// All of them, on all pages.
    pub(crate) total: u64,
    /// Where the next page begins, if there is one.
    pub(crate) next: Option<ProjectKey>,
}

/// A place in the order of projects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProjectKey {
    /// When the project there was made.
    pub(crate) created_at: Timestamp,
    /// The project there.
    pub(crate) id: ProjectId,
}

/// Where a page of projects begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ProjectsFrom {
    /// After so many of the newest.
    Offset(u32),
    /// After this place, wherever that is by now.
    After(ProjectKey),
}

/// Makes a project. A request that is served again finds the one that it made.
///
/// # Errors
/// [`ProjectError::Exists`], or when the store does not answer.
pub(crate) async fn create_project(service: &TaskService, new: &NewProject) -> Result<Project, ProjectError> {
    let mut conn = service.connection().await?;
    let operation = service.operation().map(|operation| operation.0);
    if let Some(project) = store::insert(&mut conn, new, operation, service.now()).await? {
        return Ok(project);
    }
    let made_before = match operation {
        Some(operation) => store::find_made_by(&mut conn, &new.id, operation).await?,
        None => None,
    };
    made_before.ok_or_else(|| ProjectError::Exists(new.id.clone()))
}

/// Shows a project.
///
/// # Errors
/// [`ProjectError::NotFound`], or when the store does not answer.
pub(crate) async fn find_project(service: &TaskService, id: &ProjectId) -> Result<Project, ProjectError> {
    let mut conn = service.connection().await?;
    store::find(&mut conn, id).await?.ok_or_else(|| ProjectError::NotFound(id.clone()))
}

/// Up to `limit` projects from a place on, newest first, of those in `within` if that is given.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn list_projects(
    service: &TaskService,
    within: Option<&[ProjectId]>,
    limit: u32,
    from: &ProjectsFrom,
) -> Result<ProjectPage, StoreError> {
    let mut conn = service.connection().await?;
    let mut projects = store::list(&mut conn, i64::from(limit) + 1, within, from).await?;
    let total = store::count(&mut conn, within).await?.unsigned_abs();
    let has_more = projects.len() > limit as usize;
    projects.truncate(limit as usize);
    let key = |last: &Project| ProjectKey { created_at: last.created_at, id: last.id.clone() };
    let next = projects.last().filter(|_| has_more).map(key);
    Ok(ProjectPage { projects, total, next })
}

/// Changes a project. More slots are given away at once; fewer only as tasks end.
///
/// # Errors
/// [`ProjectError::NotFound`], or when the store does not answer.
pub(crate) async fn change_project(
    service: &TaskService,
    id: &ProjectId,
    change: ProjectChange,
) -> Result<Project, ProjectError> {
    let more_slots = change.config.max_concurrent != Change::Keep;
    let mut conn = service.connection().await?;
    let changed = conn
        .transaction::<_, DieselError, _>(async |conn| {
            let Some(project) = store::lock(conn, id).await? else { return Ok(None) };
            let project = Project {
                id: project.id,
                name: change.name.unwrap_or(project.name),
                description: change.description.unwrap_or(project.description),
                repo_url: change.repo_url.of(project.repo_url),
                config: project.config.amended(change.config),
                constitution: change.constitution.or(project.constitution),
                updated_at: service.now().into(),
                ..project
            };
            store::update(conn, &project).await?;
            Ok(Some(project))
        })
        .await?;
    drop(conn);
    let project = changed.ok_or_else(|| ProjectError::NotFound(id.clone()))?;
    if more_slots {
        service.nudges().admission.add([id.clone()]);
    }
    Ok(project)
}

/// Deletes a project that has no tasks.
///
/// # Errors
/// [`ProjectError::Default`], [`ProjectError::NotFound`], [`ProjectError::NotEmpty`], or when the store does not
/// answer.
pub(crate) async fn delete_project(service: &TaskService, id: &ProjectId) -> Result<(), ProjectError> {
    if *id == ProjectId::default() {
        return Err(ProjectError::Default);
    }
    let mut conn = service.connection().await?;
    match store::delete_empty(&mut conn, id).await {
        Ok(true) => Ok(()),
        Ok(false) if store::find(&mut conn, id).await?.is_none() => Err(ProjectError::NotFound(id.clone())),
        Ok(false) | Err(DieselError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _)) => {
            Err(ProjectError::NotEmpty(id.clone()))
        }
        Err(error) => Err(error.into()),
    }
}
