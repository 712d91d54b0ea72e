//! Where the gateway is and with which key: options, then environment, then the profile of the configuration file,
//! then what a local installation has.

pub(crate) mod file;

use std::path::PathBuf;

use self::file::ConfigFile;
use crate::arguments::GlobalArguments;
use crate::failure::Failure;

/// Where a local installation listens.
const LOCAL_URL: &str = "http://127.0.0.1:8000";

/// How to reach the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Config {
    /// Without a slash at its end.
    pub(crate) api_url: String,
    /// Absent where no keys are asked for.
    pub(crate) api_key: Option<String>,
    /// The project of commands that do not name one.
    pub(crate) project: Option<String>,
}

/// What the environment says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    /// `DATS_API_URL`
    pub(crate) api_url: Option<String>,
    /// `DATS_API_KEY`
    pub(crate) api_key: Option<String>,
    /// `DATS_PROFILE`
    pub(crate) profile: Option<String>,
}

impl Environment {
    /// The process's.
    pub(crate) fn read() -> Self {
        let read = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
        Self { api_url: read("DATS_API_URL"), api_key: read("DATS_API_KEY"), profile: read("DATS_PROFILE") }
    }
}

/// Where the configuration file is; `None` if there is no home to look in.
pub(crate) fn path() -> Option<PathBuf> {
    let from = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = from("XDG_CONFIG_HOME").or_else(|| Some(from("HOME")?.join(".config")))?;
    Some(folder.join("dats").join("config.toml"))
}

impl Config {
    /// Puts the layers together.
    pub(crate) fn load(arguments: &GlobalArguments) -> Result<Self, Failure> {
        let file = match path() {
            Some(path) => ConfigFile::read(&path)?,
            None => ConfigFile::default(),
        };
        Self::layered(arguments, Environment::read(), &file)
    }

    fn layered(
        arguments: &GlobalArguments,
        environment: Environment,
        file: &ConfigFile,
    ) -> Result<Self, Failure> {
        let profile = file.profile(arguments.profile.as_deref().or(environment.profile.as_deref()))?;
        let from_file = arguments.api_key_file.as_deref().map(file::read_key).transpose()?;
        let api_url = arguments.api_url.clone().or(environment.api_url).or(profile.api_url);
        let api_url = api_url.unwrap_or_else(|| LOCAL_URL.to_owned());
        if !api_url.starts_with("http://") && !api_url.starts_with("https://") {
            return Err(Failure::usage(format!("{api_url:?} is not the URL of a gateway"))
                .hint("It begins with http:// or https://, for example http://127.0.0.1:8000"));
        }
        let of_profile = match profile.api_key_file {
            Some(path) if profile.api_key.is_none() => Some(file::read_key(&path)?),
            _ => profile.api_key,
        };
        Ok(Self {
            api_url: api_url.trim_end_matches('/').trim_end_matches("/api/v1").to_owned(),
            api_key: arguments.api_key.clone().or(from_file).or(environment.api_key).or(of_profile),
            project: profile.project,
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::Arguments;

    const FILE: &str = r#"
        profile = "work"
        [profiles.work]
        api_url = "https://work.example/"
        api_key = "of-the-file"
        [profiles.home]
        api_url = "http://home.example/api/v1"
        project = "garden"
    "#;

    fn layered(options: &[&str], environment: Environment) -> Result<Config, Failure> {
        let arguments = ["dats", "queues"].iter().chain(options);
        let arguments = Arguments::try_parse_from(arguments).unwrap();
        Config::layered(&arguments.global, environment, &ConfigFile::parse(FILE).unwrap())
    }

    #[test]
    fn options_come_before_the_environment_and_that_before_the_file() {
        let environment = || Environment {
            api_url: Some("http://env.example".to_owned()),
            api_key: Some("of-the-environment".to_owned()),
            profile: None,
        };
        let config = layered(&[], Environment::default()).unwrap();
        assert_eq!(
            (&*config.api_url, config.api_key.as_deref()),
            ("https://work.example", Some("of-the-file"))
        );
        let config = layered(&[], environment()).unwrap();
        assert_eq!(config.api_url, "http://env.example");
        assert_eq!(config.api_key.as_deref(), Some("of-the-environment"));
        let options = ["--api-url", "http://option.example", "--api-key", "of-the-option"];
        let config = layered(&options, environment()).unwrap();
        assert_eq!(config.api_url, "http://option.example");
        assert_eq!(config.api_key.as_deref(), Some("of-the-option"));
    }

    #[test]
    fn a_profile_is_chosen_by_option_or_environment() {
        let config = layered(&["--profile", "home"], Environment::default()).unwrap();
        assert_eq!((&*config.api_url, config.project.as_deref()), ("http://home.example", Some("garden")));
        let environment = Environment { profile: Some("home".to_owned()), ..Environment::default() };
        assert_eq!(layered(&[], environment).unwrap().api_url, "http://home.example");
        let unknown = layered(&["--profile", "moon"], Environment::default()).unwrap_err();
        assert!(unknown.hint.unwrap().contains("home, work"));
    }

    #[test]
    fn what_is_no_url_is_refused() {
        assert!(layered(&["--api-url", "localhost:8000"], Environment::default()).is_err());
    }
}
