//! Arguments that begin no command. In: clap's error. Out: the help, or what is wrong, and the exit code.
//! Never: colour that was not wanted. clap knows neither `--color` nor our reading of the environment: where `CI` is
//! set it colours for any terminal.

use crate::args::{Cli, When};
use crate::output::{Answer, Output};
use clap::{Parser as _, ValueEnum as _};
use std::io::Write as _;
use std::process::ExitCode;
use virt_sev::report::clean;

/// Tells it. An argument may be a file's name, which must not steer a terminal.
pub(crate) fn tell(error: clap::Error) -> ExitCode {
    let words: Vec<String> = std::env::args_os().map(|word| clean(&word.to_string_lossy())).collect();
    let error = Cli::try_parse_from(&words).err().unwrap_or(error);
    let out = Output::coloured(wished(&words));
    let text = |colour: bool| {
        let text = error.render();
        if colour { text.ansi().to_string() } else { text.to_string() }
    };
    if !error.use_stderr() {
        return out.finish(out.answer(&text(out.stdout_color())).map(|()| Answer::Yes));
    }
    let _ = write!(std::io::stderr(), "{}", text(out.stderr_color()));
    ExitCode::from(virt_sev::Kind::Usage.code().exit)
}

/// What `--color` says: the arguments are not parsed, since they are wrong.
fn wished(words: &[String]) -> When {
    let options: Vec<_> = words.iter().map(String::as_str).take_while(|word| *word != "--").collect();
    let joined = options.iter().filter_map(|word| word.strip_prefix("--color="));
    let apart = options.windows(2).filter(|pair| pair[0] == "--color").map(|pair| pair[1]);
    joined.chain(apart).find_map(|value| When::from_str(value, false).ok()).unwrap_or(When::Auto)
}
