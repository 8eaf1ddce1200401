//! Any text as an owner's policy file: refused with a reason, or a policy that never allows what it does not name.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virt_sev::appraisal::policy::{Claims, Policy};

fuzz_target!(|text: &str| {
    let policy = match Policy::parse(text, "policy") {
        Ok(policy) => policy,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let claims = Claims { digest: &[0x5a; 32], policy: 0xdead_beef_0bad_cafe, api: (0, 0), build_id: 0xa5 };
    let restricted = policy.allowed_digests.as_ref().is_some_and(|all| !all.iter().any(|d| d == claims.digest))
        || policy.allowed_policies.as_ref().is_some_and(|all| !all.contains(&claims.policy))
        || policy.allowed_build_ids.as_ref().is_some_and(|all| !all.contains(&claims.build_id))
        || policy.min_fw_api.is_some_and(|lowest| lowest > claims.api);
    assert_eq!(policy.judge(&claims).is_empty(), !restricted);
});
