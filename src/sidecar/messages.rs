//! The messages of KubeVirt's hook services (KubeVirt, `pkg/hooks/{info,v1alpha2,v1alpha3}/*.proto`). v1alpha2 and v1alpha3
//! have the same, but for `Shutdown`. In: nothing. Out: types. Never: behaviour.

use prost::Message;

/// `InfoParams`, `ShutdownParams` and `ShutdownResult`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Nothing {}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct InfoResult {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(message, repeated, tag = "3")]
    pub(crate) hook_points: Vec<HookPoint>,
    #[prost(string, repeated, tag = "4")]
    pub(crate) versions: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct HookPoint {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(int32, tag = "2")]
    pub(crate) priority: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct OnDefineDomainParams {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) domain_xml: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) vmi: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct OnDefineDomainResult {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) domain_xml: Vec<u8>,
}

/// `PreCloudInitIsoParams`, and its result, which is the same without the machine.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PreCloudInitIso {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) no_cloud_source: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) vmi: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) data: Vec<u8>,
}
