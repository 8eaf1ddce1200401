//! KubeVirt's hook as a container of its own, without KubeVirt's shim and without its limit of 128 KiB. In: calls over a
//! socket. Out: answers, a log on standard error. Never: state; a wait for more than one call's work.
#![forbid(unsafe_code)]

mod messages;
mod service;
mod socket;

use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::graceful::GracefulShutdown;
use service::{Sidecar, VERSIONS};
use socket::Socket;
use std::convert::Infallible;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use virt_sev::{Error, Kind, Result};

const HELP: &str = "\
Usage: virt-sev-kubevirt-sidecar [--version v1alpha2|v1alpha3] [--directory DIR]

Answers KubeVirt's virt-launcher: makes the domain of a machine with launchSecurity right.

  --version VERSION  offer this version of the hook service only; without VERSION: print the program's own
  --directory DIR    where the socket goes [default: /var/run/kubevirt-hooks]
";
/// How long answers may take that are under way when the end comes.
const GRACE: Duration = Duration::from_secs(5);

/// A line for `kubectl logs`.
fn log(line: &str) {
    // Nobody who went away is told.
    let _ = writeln!(std::io::stderr(), "virt-sev-kubevirt-sidecar: {line}");
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            log(&e.to_string());
            ExitCode::from(e.kind().code().exit)
        }
    }
}

/// What the command line asks for.
enum Asked {
    Text(String),
    Serve { versions: Vec<&'static str>, folder: PathBuf },
}

fn asked(mut arguments: impl Iterator<Item = OsString>) -> Result<Asked> {
    let usage = |message: &str| Error::new(Kind::Usage, message).wanted("what --help tells");
    let mut versions = VERSIONS.to_vec();
    let mut folder = PathBuf::from("/var/run/kubevirt-hooks");
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--help" | "-h") => return Ok(Asked::Text(HELP.to_owned())),
            Some("--version") => match arguments.next() {
                None => {
                    return Ok(Asked::Text(format!(
                        "virt-sev-kubevirt-sidecar {}\n",
                        env!("CARGO_PKG_VERSION")
                    )));
                }
                Some(version) => {
                    versions.retain(|v| version == *v);
                    if versions.is_empty() {
                        return Err(usage("not a version of the hook service").wanted(VERSIONS.join(" or ")));
                    }
                }
            },
            Some("--directory") => {
                folder = arguments.next().ok_or_else(|| usage("--directory takes a folder"))?.into();
            }
            _ => return Err(usage("there is no such option")),
        }
    }
    Ok(Asked::Serve { versions, folder })
}

fn run() -> Result<()> {
    let (versions, folder) = match asked(std::env::args_os().skip(1))? {
        Asked::Text(text) => {
            let _ = std::io::stdout().write_all(text.as_bytes());
            return Ok(());
        }
        Asked::Serve { versions, folder } => (versions, folder),
    };
    let system = |e| Error::new(Kind::State, "the system refuses what a server needs").because(e);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(system)?;
    runtime.block_on(async {
        // Before the socket: as process 1 a container's program gets no signal that it does not ask for.
        let ends = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
        let (socket, listener) = Socket::listen(&folder)?;
        let listener = UnixListener::from_std(listener).map_err(system)?;
        let sidecar = Arc::new(Sidecar { versions, stop: Notify::new() });
        for end in ends {
            let (mut end, sidecar) = (end.map_err(system)?, Arc::clone(&sidecar));
            tokio::spawn(async move {
                end.recv().await;
                sidecar.stop.notify_one();
            });
        }
        log(&format!("{} at {}", sidecar.versions.join(" and "), socket.path.display()));
        let connections = accept(listener, sidecar).await;
        drop(socket);
        let _ = tokio::time::timeout(GRACE, connections.shutdown()).await;
        log("ends");
        Ok(())
    })
}

/// Takes connections in until the end, and gives those that are open.
async fn accept(listener: UnixListener, sidecar: Arc<Sidecar>) -> GracefulShutdown {
    let connections = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = sidecar.stop.notified() => return connections,
        };
        let Ok((stream, _)) = accepted else {
            // Too many files are open: some will be closed.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let sidecar = Arc::clone(&sidecar);
        let service = service_fn(move |request| {
            let sidecar = Arc::clone(&sidecar);
            async move { Ok::<_, Infallible>(sidecar.answer(request).await) }
        });
        let connection =
            http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service);
        let connection = connections.watch(connection);
        // A connection that breaks is its client's affair.
        tokio::spawn(async move { connection.await.unwrap_or_default() });
    }
}
