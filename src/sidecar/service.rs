//! The gRPC services that `virt-launcher` calls. In: a request. Out: an answer, or a status with our text. Never: a piece of
//! a document in a status or in the log; an end because one call fails.

use crate::log;
use crate::messages::{
    HookPoint, InfoResult, Nothing, OnDefineDomainParams, OnDefineDomainResult, PreCloudInitIso,
};
use http::{Request, Response};
use hyper::body::Incoming;
use prost::Message;
use std::future::{Ready, ready};
use tokio::sync::Notify;
use tonic::Status;
use tonic::body::Body;
use tonic::server::{Grpc, UnaryService};
use tonic_prost::ProstCodec;
use virt_sev::host::RealProbe;
use virt_sev::{Error, Kind, hook};

/// A request: a machine of at most 4 MiB, where etcd stores no object over 1.5 MiB, and a domain of as much.
pub(crate) const LONGEST_REQUEST: usize = 8 << 20;
/// An answer: Go's gRPC takes no longer message unless told to, and `virt-launcher` does not tell it.
const LONGEST_ANSWER: usize = 4 << 20;
/// What of an error goes into a status, which is a header. The log has all of it.
const LONGEST_STATUS: usize = 2000;

/// The versions of the callbacks, the newest first.
pub(crate) const VERSIONS: [&str; 2] = ["v1alpha3", "v1alpha2"];

/// What all calls share.
#[derive(Debug)]
pub(crate) struct Sidecar {
    /// The versions that `virt-launcher` may choose from.
    pub(crate) versions: Vec<&'static str>,
    /// Told when the guest is gone.
    pub(crate) stop: Notify,
}

impl Sidecar {
    /// Answers one request.
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let path = request.uri().path().to_owned();
        let callback = path.strip_prefix("/kubevirt.hooks.").and_then(|rest| rest.split_once('/'));
        match callback {
            Some(("info.Info", "Info")) => unary(request, |_: Nothing| Ok(self.info())).await,
            Some(("v1alpha2.Callbacks" | "v1alpha3.Callbacks", "OnDefineDomain")) => {
                unary(request, define).await
            }
            // It is not announced. Whoever calls nevertheless gets back what he gave.
            Some(("v1alpha2.Callbacks" | "v1alpha3.Callbacks", "PreCloudInitIso")) => {
                unary(request, |data: PreCloudInitIso| Ok(PreCloudInitIso { vmi: Vec::new(), ..data })).await
            }
            Some(("v1alpha3.Callbacks", "Shutdown")) => {
                unary(request, |_: Nothing| {
                    log("Shutdown: the guest is gone");
                    self.stop.notify_one();
                    Ok(Nothing {})
                })
                .await
            }
            _ => Status::unimplemented("virt-sev has no such callback").into_http(),
        }
    }

    /// Without `Shutdown` the container would outlive its guest, and the pod never end.
    fn info(&self) -> InfoResult {
        let mut points = vec!["OnDefineDomain"];
        if self.versions.contains(&"v1alpha3") {
            points.push("Shutdown");
        }
        InfoResult {
            name: "virt-sev".to_owned(),
            hook_points: points
                .into_iter()
                .map(|name| HookPoint { name: name.to_owned(), priority: 0 })
                .collect(),
            versions: self.versions.iter().map(|v| (*v).to_owned()).collect(),
        }
    }
}

fn define(params: OnDefineDomainParams) -> Result<OnDefineDomainResult, Status> {
    let work = || hook::kubevirt::define(&params.vmi, &params.domain_xml, &RealProbe::system());
    let defined = hook::caught(work).flatten().map_err(|e| refused(&e))?;
    for warning in &defined.warnings {
        log(&format!("OnDefineDomain: {warning}"));
    }
    let (domain_xml, before) = (defined.domain, params.domain_xml);
    if domain_xml.len() > LONGEST_ANSWER {
        return Err(refused(
            &Error::new(Kind::Domain, "the domain is too long for virt-launcher")
                .found(format!("{} bytes", domain_xml.len()))
                .wanted(format!("at most {LONGEST_ANSWER} bytes"))
                .hint("No setting of KubeVirt raises this: the machine needs fewer devices."),
        ));
    }
    log(if domain_xml == before { "OnDefineDomain: unchanged" } else { "OnDefineDomain: made right" });
    Ok(OnDefineDomainResult { domain_xml })
}

fn refused(e: &Error) -> Status {
    let text = e.to_string();
    log(&format!("OnDefineDomain: refused: {text}"));
    let mut end = LONGEST_STATUS.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let more = if end < text.len() { "… The log of the hook's container has all of it." } else { "" };
    let text = format!("virt-sev: {}{more}", &text[..end]);
    if e.kind() == Kind::Bug { Status::internal(text) } else { Status::invalid_argument(text) }
}

/// One call with one message each way.
async fn unary<P, R>(request: Request<Incoming>, work: impl Fn(P) -> Result<R, Status>) -> Response<Body>
where
    P: Message + Default + Send + 'static,
    R: Message + Send + 'static,
{
    Grpc::new(ProstCodec::<R, P>::default())
        .max_decoding_message_size(LONGEST_REQUEST)
        .unary(Call(work), request)
        .await
}

struct Call<F>(F);

impl<F: Fn(P) -> Result<R, Status>, P, R> UnaryService<P> for Call<F> {
    type Response = R;
    type Future = Ready<Result<tonic::Response<R>, Status>>;

    fn call(&mut self, request: tonic::Request<P>) -> Self::Future {
        ready((self.0)(request.into_inner()).map(tonic::Response::new))
    }
}
