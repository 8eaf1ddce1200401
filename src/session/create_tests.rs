use super::*;
use crate::crypt::{aes_ctr, derive, mac};
use std::os::unix::fs::PermissionsExt;

fn platform() -> (p384::SecretKey, Cert) {
    let secret = p384::SecretKey::from_slice(&[0x22; 48]).unwrap();
    let pdh = Cert::new_pdh(&secret.public_key());
    (secret, pdh)
}

#[test]
fn the_platform_unwraps_the_keys_and_every_mac_holds() {
    let (secret, pdh) = platform();
    let s = create(&pdh, 0xb).unwrap();
    let blob = s.blob.bytes();
    let shared = secret.diffie_hellman(&s.godh.public_key().unwrap());
    let master = derive(shared.raw_secret_bytes(), "sev-master-secret", &blob[..16]).unwrap();
    let kek = derive(master.expose(), "sev-kek", &[]).unwrap();
    let kik = derive(master.expose(), "sev-kik", &[]).unwrap();
    assert_eq!(mac(kik.expose(), &blob[16..48]).unwrap(), blob[64..96]);
    let mut keys = [0u8; 32];
    keys.copy_from_slice(&blob[16..48]);
    aes_ctr(&kek, blob[48..64].try_into().unwrap(), &mut keys);
    assert_eq!((&keys[..16], &keys[16..]), (&s.keys.tek.expose()[..], &s.keys.tik.expose()[..]));
    assert!(s.blob.is_for(0xb, &s.keys.tik).unwrap() && !s.blob.is_for(3, &s.keys.tik).unwrap());
}

#[test]
fn no_two_sessions_share_anything() {
    let (_, pdh) = platform();
    let (a, b) = (create(&pdh, 1).unwrap(), create(&pdh, 1).unwrap());
    assert_ne!(a.godh, b.godh);
    assert_ne!(a.keys.tek.expose(), b.keys.tek.expose());
    assert_ne!(a.keys.tik.expose(), b.keys.tik.expose());
    assert_ne!(a.keys.tik.expose(), a.keys.tek.expose());
    for part in [0..16, 16..48, 48..64, 64..96, 96..128] {
        assert_ne!(a.blob.bytes()[part.clone()], b.blob.bytes()[part]);
    }
    assert_ne!(a.blob.id(), b.blob.id());
}

#[test]
fn only_a_pdh_will_do() {
    let pek = &include_bytes!("testdata/rome-platform.bin")[2084..4168];
    let e = create(&Cert::parse(Usage::Pek, pek).unwrap(), 1).unwrap_err();
    assert_eq!(e.kind(), Kind::Certificate);
}

#[test]
fn the_files_hold_the_session_and_nobody_else_reads_them() {
    let (_, pdh) = platform();
    let s = create(&pdh, 5).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("new");
    let paths = s.write(&folder, None).unwrap();
    let names: Vec<_> = paths.iter().map(|p| p.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, NewSession::FILES);
    for path in &paths {
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o600, "{path:?}");
    }
    assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    assert_eq!(read("tek.bin"), s.keys.tek.expose());
    assert_eq!(read("tik.bin"), s.keys.tik.expose());
    assert_eq!(Cert::parse(Usage::Pdh, &read("godh.b64")).unwrap(), s.godh);
    assert_eq!(SessionBlob::parse(&read("session.b64")).unwrap(), s.blob);
    let yaml = String::from_utf8(read("keys.yaml")).unwrap();
    assert!(yaml.contains("security.sev: \"true\"\nsecurity.sev.policy.es: \"true\"\n"), "{yaml}");
    assert!(yaml.contains(std::str::from_utf8(&read("godh.b64")).unwrap()));
    assert!(yaml.contains(std::str::from_utf8(&read("session.b64")).unwrap()));
}

#[test]
fn keys_and_bundle_mean_this_session_and_this_policy_and_hold_no_secret() {
    use crate::config::{Technology, from_text, resolve};
    let (_, pdh) = platform();
    for (policy, lxd) in [(0x1, true), (0x5, true), (0, false), (0x3, false), (0x1801_003f, false)] {
        let s = create(&pdh, policy).unwrap();
        let made_for = MadeFor { pdh: &pdh, root: Some("Milan"), firmware: Some(&[9; 32]) };
        let bundle = s.bundle(&made_for).unwrap();
        let yaml = s.config_yaml();
        assert_eq!(yaml.contains("security.sev.policy:"), !lxd, "{yaml}");
        for (text, bundled) in [(&yaml, false), (&bundle, true)] {
            let config = resolve(&from_text(text, "x").unwrap()).unwrap().unwrap();
            let Technology::Sev { policy: found, session: Some(session) } = &config.technology else {
                panic!("{config:?}");
            };
            assert_eq!(found.0, policy);
            assert_eq!(
                (&session.dh_cert[..], &session.session[..]),
                (&s.godh.bytes()[..], &s.blob.bytes()[..])
            );
            let wanted = (pdh.fingerprint(), Some([9; 32]));
            assert_eq!(session.bundle.map(|b| (b.platform, b.firmware)), bundled.then_some(wanted));
            for key in [s.keys.tek.expose(), s.keys.tik.expose()] {
                let hex: String = key.iter().map(|b| format!("{b:02x}")).collect();
                assert!(!text.contains(&hex) && !text.contains(&to_base64(key)[..20]));
            }
        }
        assert!(bundle.starts_with("{\n  \"schema\": \"virt-sev/bundle/1\",\n"), "{bundle}");
    }
}

#[test]
fn a_session_does_not_show_its_keys() {
    let (_, pdh) = platform();
    let s = create(&pdh, 1).unwrap();
    let text = format!("{s:?}");
    assert!(text.contains("tek: <redacted>, tik: <redacted>"), "{text}");
}
