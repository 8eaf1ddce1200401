use super::*;

const DIGEST: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn parse(text: &str) -> Result<Policy> {
    Policy::parse(text, "policy.yaml")
}

fn claims(digest: &[u8]) -> Claims<'_> {
    Claims { digest, policy: 5, api: (1, 51), build_id: 3 }
}

#[test]
fn yaml_and_json_hex_and_base64_are_read() {
    let yaml = parse(&format!(
        "allowed_digests: [{DIGEST}]\nallowed_policies: [0x1, 5]\nmin_fw_api_major: 1\nmin_fw_api_minor: 51\n\
         allowed_build_ids: [3, 0x10]\n"
    ))
    .unwrap();
    let json = parse(
        r#"{"allowed_digests": ["ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8="], "allowed_policies": [1, 5],
            "min_fw_api_major": 1, "min_fw_api_minor": 51, "allowed_build_ids": [3, 16]}"#,
    )
    .unwrap();
    assert_eq!(yaml, json);
    assert_eq!(yaml.digests::<32>().unwrap().len(), 1);
    assert_eq!(yaml.digests::<48>().unwrap().len(), 0);
    assert_eq!((yaml.min_fw_api, yaml.allowed_build_ids), (Some((1, 51)), Some(vec![3, 16])));
}

#[test]
fn an_empty_map_restricts_nothing_and_an_empty_file_is_refused() {
    assert_eq!(parse("{}").unwrap(), Policy::default());
    assert!(parse("{}").unwrap().judge(&claims(&[])).is_empty());
    for text in ["", "--- \n", "null", "- a", "just text", "{}\n---\n{}"] {
        let e = parse(text).unwrap_err();
        assert_eq!(e.kind(), Kind::Config, "{text}");
    }
}

#[test]
fn every_problem_is_told_with_its_line() {
    let e = parse(
        "allowed_digests:\n- abc\n- 00\nallowed_policies: []\nmin_fw_api_major: one\nmin_fw_api_minor: 256\n\
         allowed_build_ids: 3\nallowed_images: [x]\n",
    )
    .unwrap_err();
    let all: Vec<String> = e.problems().map(|p| p.alone().to_string()).collect();
    assert_eq!(all.len(), 7, "{e}");
    for says in [
        "policy.yaml:8: an unknown key in the policy file: found 'allowed_images'",
        "policy.yaml:2: allowed_digests: not a launch digest: found 'abc'",
        "policy.yaml:3: allowed_digests: not a launch digest: found '00'",
        "policy.yaml:4: an empty list allows nothing\n  Leave allowed_policies out",
        "policy.yaml:5: min_fw_api_major: not a number of 8 bits",
        "policy.yaml:6: min_fw_api_minor: not a number of 8 bits",
        "policy.yaml:7: a list is wanted here",
    ] {
        assert!(all.iter().any(|p| p.starts_with(says)), "{says}: {all:#?}");
    }
}

#[test]
fn each_thing_that_is_not_allowed_is_one_finding() {
    let digest = hex::decode(DIGEST).unwrap();
    let all = parse(&format!(
        "allowed_digests: [{DIGEST}]\nallowed_policies: [5]\nmin_fw_api_major: 1\nmin_fw_api_minor: 51\nallowed_build_ids: [3]"
    ))
    .unwrap();
    let good = claims(&digest);
    assert!(all.judge(&good).is_empty());
    for (bad, key) in [
        (Claims { digest: &[0; 32], ..good }, DIGESTS),
        (Claims { digest: &[0; 48], ..good }, DIGESTS),
        (Claims { policy: 4, ..good }, POLICIES),
        (Claims { policy: 5 | 1 << 32, ..good }, POLICIES),
        (Claims { api: (1, 50), ..good }, MAJOR),
        (Claims { api: (0, 255), ..good }, MAJOR),
        (Claims { build_id: 4, ..good }, BUILDS),
    ] {
        let found = all.judge(&bad);
        assert_eq!(found.iter().map(|f| f.path.as_str()).collect::<Vec<_>>(), [key], "{bad:?}");
    }
    assert!(all.judge(&Claims { api: (2, 0), ..good }).is_empty());
    assert_eq!(all.judge(&Claims { digest: &[], policy: 0, api: (0, 0), build_id: 0 }).len(), 4);
}

/// `min_fw_api_minor: 55` alone allowed API 1.40.
#[test]
fn a_minor_version_alone_is_refused_and_a_major_one_begins_at_zero() {
    assert_eq!(parse("min_fw_api_major: 1").unwrap().min_fw_api, Some((1, 0)));
    let e = parse("min_fw_api_minor: 7").unwrap_err().to_string();
    assert!(e.ends_with("would allow every higher major one: wanted min_fw_api_major too"), "{e}");
}

/// The first one counted, and the narrower one below it did not.
#[test]
fn a_key_that_stands_twice_is_refused() {
    for text in [
        "allowed_build_ids: [1]\nallowed_build_ids: [2]\n",
        "{\"allowed_build_ids\": [1], \"min_fw_api_major\": 1, \"allowed_build_ids\": [1]}",
        "min_fw_api_major: 1\n'min_fw_api_major': 2",
    ] {
        let e = parse(text).unwrap_err().to_string();
        assert!(e.contains("a key stands twice in the policy file: found "), "{e}");
    }
    // Nor by other ways that YAML has.
    for text in [
        "<<: {allowed_build_ids: [1]}",
        "&a Allowed_build_ids: [1]",
        "\"allowed_build_ids \": [1]",
        "? [x]\n: 1",
    ] {
        assert!(parse(text).unwrap_err().to_string().contains("an unknown key"), "{text}");
    }
    for text in ["true", "yes", "'0x'", "'+1'", "-1", "1e3", "1.0", "' 1'", "256", "!!float 1e9", ".nan", "~"]
    {
        assert!(parse(&format!("min_fw_api_major: {text}")).is_err(), "{text}");
    }
}
