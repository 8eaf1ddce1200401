//! The signed CEK: from a key service that answers well, badly or not at all, kept, and used again without a network.

use crate::chain::{CERT, Place, ca, hex, nodesevinfo, platform, said};
use crate::key_service::{Does, KeyService};
use crate::lab::{Corner, Lab, assert_code, err};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn a_signed_cek_is_fetched_once_and_kept() {
    let place = Place::new();
    let node = place.put("node.txt", nodesevinfo().as_bytes());
    let ca = ca();
    let verify = |more: &[&str]| {
        let mut args = vec!["chain", "verify", &node, "--ca", &ca];
        args.extend(more);
        place.run(&args)
    };
    let out = verify(&[]);
    assert_code(&out, 4);
    let address = format!("https://kdsintf.amd.com/cek/id/{}", hex(&platform("cpu0.id")));
    assert!(err(&out).contains(&address), "{}", err(&out));
    assert!(said(&out).contains("CEK       FAILED"), "{}", said(&out));

    let service = KeyService::with(&platform("cek.cert"));
    // A user's own settings of curl do not count.
    std::fs::write(place.path(".curlrc"), "url = \"http://127.0.0.1:9/\"\noutput = \"stolen\"\nfail\n")
        .unwrap();
    let fetch = ["chain", "verify", &node, "--ca", &ca, "--fetch", "--cek-url", &service.url];
    let out = place.command(&fetch).env("HOME", place.dir.path()).current_dir(&place.dir).output().unwrap();
    assert_code(&out, 0);
    assert!(!place.path("stolen").exists());
    assert!(
        err(&out).contains(&format!("signed CEK: {}/{}", service.url, hex(&platform("cpu0.id")))),
        "{}",
        err(&out)
    );
    let kept = place.kept();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(kept[0].file_name().unwrap().to_str().unwrap(), format!("{}.cert", hex(&platform("cpu0.id"))));
    assert_eq!(std::fs::read(&kept[0]).unwrap(), platform("cek.cert"));

    // From then on without a network, by its identity or, in a file that does not tell it, by its key.
    assert_code(&verify(&[]), 0);
    assert_code(&verify(&["--fetch", "--cek-url", &service.url]), 0);
    let unsigned = [platform("chain.cert")[..3 * CERT].to_vec(), platform("cek-unsigned.cert")].concat();
    let unsigned = place.put("unsigned.cert", &unsigned);
    let out = place.run(&["chain", "verify", &unsigned, "--ca", &ca]);
    assert_code(&out, 0);
    assert!(err(&out).contains(&kept[0].display().to_string()), "{}", err(&out));
    let keys = place.path("keys");
    let out = place.run(&[
        "session",
        "--chain",
        &unsigned,
        "--ca",
        &ca,
        "--policy",
        "1",
        "-o",
        keys.to_str().unwrap(),
    ]);
    assert_code(&out, 0);
    assert_eq!(service.asked(), 1);

    // A kept file that was damaged is told, not used, and replaced.
    std::fs::write(&kept[0], b"<html>").unwrap();
    let out = verify(&[]);
    assert_code(&out, 4);
    assert!(err(&out).contains("this file is of no use"), "{}", err(&out));
    assert_code(&verify(&["--fetch", "--cek-url", &service.url]), 0);
    assert_eq!((std::fs::read(&kept[0]).unwrap(), service.asked()), (platform("cek.cert"), 2));
}

#[test]
fn no_answer_but_the_right_one_is_used_or_kept() {
    let place = Place::new();
    let node = place.put("node.txt", nodesevinfo().as_bytes());
    let ca = ca();
    let good = platform("cek.cert");
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../session/testdata");
    let naples = std::fs::read(data.join("naples-platform.bin")).unwrap()[3 * CERT..4 * CERT].to_vec();
    let mut forged = good.clone();
    forged[0x414 + 100] ^= 1;
    let html = b"<!DOCTYPE html><html><body>Please log in</body></html>".to_vec();
    let limited = "429 Too Many Requests\r\nRetry-After: 17";
    let moved = "302 Found\r\nLocation: http://127.0.0.1:9/else\r\nX: y";
    let cases: Vec<(&str, Does, i32, &str)> = vec![
        ("wrong chip", Does::Answers("200 OK", naples), 4, "the CEK certificate is another chip's"),
        ("forged", Does::Answers("200 OK", forged), 4, "its signature of the ASK does not verify"),
        (
            "unsigned",
            Does::Answers("200 OK", platform("cek-unsigned.cert")),
            4,
            "the CEK certificate is not signed",
        ),
        (
            "another one",
            Does::Answers("200 OK", platform("pek.cert")),
            4,
            "is another certificate: found PEK",
        ),
        ("page", Does::Answers("200 OK", html.clone()), 4, "is the address right?"),
        ("empty", Does::Answers("200 OK", Vec::new()), 4, "has the wrong size: found 0 bytes"),
        ("short", Does::Answers("200 OK", good[..2000].to_vec()), 4, "has the wrong size: found 2000 bytes"),
        ("broken", Does::Breaks(good[..2000].to_vec()), 5, "the key service cannot be reached"),
        (
            "unknown",
            Does::Answers("404 Not Found", html.clone()),
            4,
            "does not know this chip: found status 404",
        ),
        ("limited", Does::Answers(limited, html.clone()), 5, "Try again after: 17 seconds."),
        (
            "moved",
            Does::Answers(moved, good.clone()),
            5,
            "It names another address, which --cek-url can give: http://127.0.0.1:9/else",
        ),
        (
            "down",
            Does::Answers("503 Unavailable", good.clone()),
            5,
            "the key service refuses: found status 503",
        ),
        ("slow", Does::Drips, 5, "wanted an answer within 2 s"),
        ("silent", Does::IsSilent, 5, "wanted an answer within 2 s"),
        ("endless", Does::NeverEnds, 4, "far too long for a certificate"),
    ];
    for (name, does, code, says) in cases {
        let service = KeyService::that(does);
        let begin = Instant::now();
        let args =
            ["chain", "verify", &node, "--ca", &ca, "--fetch", "--cek-url", &service.url, "--timeout", "2"];
        let out = place.run(&args);
        assert!(begin.elapsed() < Duration::from_secs(20), "{name}");
        assert!(
            out.status.code() == Some(code) && err(&out).contains(says),
            "{name}: {:?} {}",
            out.status,
            err(&out)
        );
        assert!(err(&out).contains(&service.url), "{name}: {}", err(&out));
        assert!(out.stdout.is_empty(), "{name}: {}", said(&out));
        assert!(place.kept().is_empty(), "{name}: {:?}", place.kept());
        assert_eq!(service.asked(), 1, "{name}");
    }
    // Nobody there; no curl; no identity; an address that is none.
    let out =
        place.run(&["chain", "verify", &node, "--ca", &ca, "--fetch", "--cek-url", "http://127.0.0.1:9/"]);
    assert_code(&out, 5);
    assert!(err(&out).contains("cannot be reached") && err(&out).contains("--cek FILE"), "{}", err(&out));
    let fetch = ["chain", "verify", &node, "--ca", &ca, "--fetch"];
    let out = place.command(&fetch).env("PATH", place.dir.path()).output().unwrap();
    assert_code(&out, 5);
    assert!(
        err(&out).contains("curl cannot be started") && err(&out).contains("kdsintf.amd.com"),
        "{}",
        err(&out)
    );
    let unsigned = [platform("chain.cert")[..3 * CERT].to_vec(), platform("cek-unsigned.cert")].concat();
    let unsigned = place.put("unsigned.cert", &unsigned);
    let out = place.run(&["chain", "verify", &unsigned, "--ca", &ca, "--fetch"]);
    assert_code(&out, 2);
    assert!(err(&out).contains("wanted --chip-id ID"), "{}", err(&out));
    for (more, says) in [
        ("--chip-id=../x", "this is not a chip's identity"),
        ("--cek-url=file:///etc/passwd", "not the address of a web server"),
        ("--cek-url=-K/etc/passwd", "not the address of a web server"),
    ] {
        let mut args = fetch.to_vec();
        args.push(more);
        let out = place.run(&args);
        assert_code(&out, 2);
        assert!(err(&out).contains(says), "{}", err(&out));
    }
}

/// Python's own server over a folder, as somebody makes a mirror; the identity from the command line.
#[test]
fn a_folder_behind_a_web_server_is_a_mirror() {
    let place = Place::new();
    let id = hex(&platform("cpu0.id"));
    std::fs::create_dir_all(place.path("mirror/cek/id")).unwrap();
    std::fs::write(place.path("mirror/cek/id").join(&id), platform("cek.cert")).unwrap();
    let mut server = Command::new("/usr/bin/python3")
        .args(["-u", "-m", "http.server", "--bind", "127.0.0.1", "0"])
        .current_dir(place.path("mirror"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(server.stdout.as_mut().unwrap()), &mut line)
        .unwrap();
    let port = line.split(" port ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap().to_owned();
    let url = format!("http://127.0.0.1:{port}/cek/id/");
    let unsigned = [platform("chain.cert")[..3 * CERT].to_vec(), platform("cek-unsigned.cert")].concat();
    let unsigned = place.put("unsigned.cert", &unsigned);
    let ca = ca();
    let run = |id: &str| {
        place.run(&["chain", "verify", &unsigned, "--ca", &ca, "--fetch", "--cek-url", &url, "--chip-id", id])
    };
    let (unknown, known) = (run(&"0".repeat(128)), run(&id));
    server.kill().unwrap();
    server.wait().unwrap();
    assert_code(&unknown, 4);
    assert!(err(&unknown).contains("does not know this chip: found status 404"), "{}", err(&unknown));
    assert_code(&known, 0);
    assert_eq!(place.kept().len(), 1);
}

/// The whole way on a host whose chip exports its CEK unsigned, as real ones do.
#[test]
fn a_platform_with_an_unsigned_cek_is_fetched_and_completed() {
    let lab = Lab::start();
    let settings = lab.dir.join("bin/qemu-sev-sim.json");
    let text = std::fs::read_to_string(&settings).unwrap();
    let settings_file = std::fs::read_dir(lab.dir.join("bin")).unwrap().map(|e| e.unwrap().path());
    std::fs::write(&settings, text.replace("\"cek_signed\": true", "\"cek_signed\": false")).unwrap();
    // libvirt keeps what it asked the emulator, by the program's change time in whole seconds.
    std::thread::sleep(Duration::from_millis(1100));
    for path in settings_file {
        assert!(Command::new("touch").arg(path).status().unwrap().success());
    }
    let corner = Corner::new(&lab);
    let own = |name: &str| lab.platform(name).to_str().unwrap().to_owned();
    let (file, ca) = (corner.text("chain.cert"), own("ask_ark.cert"));
    let run = |more: &[&str]| {
        let mut command = corner.command(&["chain", "fetch", "-c", &lab.uri, "-o", &file, "--ca", &ca]);
        command.args(more).env("XDG_CACHE_HOME", corner.path("cache")).output().unwrap()
    };
    let out = run(&[]);
    assert_code(&out, 0);
    let id = hex(&std::fs::read(own("cpu0.id")).unwrap());
    assert!(err(&out).contains(&format!("https://kdsintf.amd.com/cek/id/{id}")), "{}", err(&out));
    assert_eq!(std::fs::read(&file).unwrap()[3 * CERT..], std::fs::read(own("cek-unsigned.cert")).unwrap());
    let session = |more: &[&str]| {
        let mut command =
            corner.command(&["session", "-c", &lab.uri, "--insecure", "--ca", &ca, "--policy", "1"]);
        command.args(["-o", &corner.text("keys")]).args(more).env("XDG_CACHE_HOME", corner.path("none"));
        command.output().unwrap()
    };
    let service = KeyService::with(&std::fs::read(own("cek.cert")).unwrap());
    let out = session(&["--fetch", "--cek-url", &service.url]);
    assert_code(&out, 0);
    assert!(err(&out).contains("platform: verified to") && !err(&out).contains("NOT"), "{}", err(&out));
    let out = run(&["--fetch", "--cek-url", &service.url]);
    assert_code(&out, 0);
    assert_eq!(std::fs::read(&file).unwrap(), std::fs::read(own("full-chain.cert")).unwrap());
    // A service that fails leaves the file that was there.
    let out = run(&["--fetch", "--cek-url", "http://127.0.0.1:9/"]);
    assert_code(&out, 0);
    std::fs::remove_dir_all(corner.path("cache")).unwrap();
    assert_code(&run(&["--fetch", "--cek-url", "http://127.0.0.1:9/"]), 5);
    assert_eq!(std::fs::read(&file).unwrap(), std::fs::read(own("full-chain.cert")).unwrap());
}
