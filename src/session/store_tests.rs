use super::*;
use std::os::unix::fs::symlink;

const FILES: [(&str, &[u8]); 3] = [("a", b"1"), ("b", b"22"), ("c", b"")];

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn all_files_are_there_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let paths = write_all_or_none(dir.path(), &FILES, None).unwrap();
    assert_eq!(names(dir.path()), ["a", "b", "c"]);
    assert_eq!(fs::read(&paths[1]).unwrap(), b"22");
}

#[test]
fn an_existing_file_is_kept_and_all_of_them_are_named() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("b"), "old").unwrap();
    symlink("/nowhere/at/all", dir.path().join("c")).unwrap();
    let e = write_all_or_none(dir.path(), &FILES, None).unwrap_err();
    assert_eq!(e.problems().count(), 2);
    assert!(e.to_string().contains("the file exists already"), "{e}");
    assert_eq!(names(dir.path()), ["b", "c"]);
    assert_eq!(fs::read(dir.path().join("b")).unwrap(), b"old");
}

#[test]
fn a_failure_in_the_middle_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    // A name with a folder in it that is missing: the first file is staged by then.
    let files: [(&str, &[u8]); 2] = [("a", b"1"), ("missing/b", b"2")];
    let folder = dir.path().join("new");
    let e = write_all_or_none(&folder, &files, None).unwrap_err();
    assert_eq!(e.kind(), Kind::File);
    assert!(!folder.exists(), "the folder that it made is still there");
    fs::create_dir(&folder).unwrap();
    assert!(write_all_or_none(&folder, &files, None).is_err());
    assert!(names(&folder).is_empty(), "{:?}", names(&folder));
}

#[test]
fn a_name_that_is_taken_at_the_last_moment_takes_everything_back() {
    let dir = tempfile::tempdir().unwrap();
    // Two files of one name: the second link finds the first, as it would find another process's file.
    let files: [(&str, &[u8]); 3] = [("a", b"1"), ("b", b"2"), ("b", b"3")];
    let e = write_all_or_none(dir.path(), &files, None).unwrap_err();
    assert!(e.to_string().contains("the file exists already"), "{e}");
    assert!(names(dir.path()).is_empty(), "{:?}", names(dir.path()));
}

#[test]
fn a_folder_that_cannot_be_made_is_told() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    for folder in [dir.path().join("file"), dir.path().join("no/such/parent")] {
        let e = write_all_or_none(&folder, &FILES, None).unwrap_err();
        assert!(e.to_string().contains("cannot make the folder"), "{e}");
    }
    assert_eq!(names(dir.path()), ["file"]);
}

#[test]
fn one_more_file_somewhere_else_is_of_the_set() {
    let dir = tempfile::tempdir().unwrap();
    let place = |name: &str| dir.path().join(name);
    fs::create_dir(place("other")).unwrap();
    fs::create_dir(place("there")).unwrap();
    for folder in ["new", "there"] {
        let more = place("other").join(folder);
        let paths = write_all_or_none(&place(folder), &FILES, Some((&more, b"more"))).unwrap();
        assert_eq!(names(&place(folder)), ["a", "b", "c"]);
        assert_eq!((fs::read(&more).unwrap(), paths.last().unwrap()), (b"more".to_vec(), &more));
    }
    assert_eq!(names(&place("other")), ["new", "there"]);
    // Inside the folder that is still to be made.
    let inside = place("third/d");
    write_all_or_none(&place("third"), &FILES, Some((&inside, b"more"))).unwrap();
    assert_eq!(names(&place("third")), ["a", "b", "c", "d"]);
    // Where it cannot be had there is nothing at all.
    for more in [place("other/new"), place("nowhere/x"), place("fourth/a")] {
        let e = write_all_or_none(&place("fourth"), &FILES, Some((&more, b"more"))).unwrap_err();
        assert_eq!(e.kind(), Kind::File);
        fs::remove_dir_all(place("there")).unwrap();
        fs::create_dir(place("there")).unwrap();
        assert!(write_all_or_none(&place("there"), &FILES, Some((&more, b"more"))).is_err());
        assert!(names(&place("there")).is_empty());
    }
    assert_eq!(names(dir.path()), ["new", "other", "there", "third"]);
    assert_eq!(fs::read(place("other/new")).unwrap(), b"more");
}

#[test]
fn of_many_that_want_one_folder_exactly_one_has_it_whole() {
    for there in [false, true] {
        for _ in 0..20 {
            let dir = tempfile::tempdir().unwrap();
            let folder = dir.path().join("f");
            if there {
                fs::create_dir(&folder).unwrap();
            }
            let texts: Vec<String> = (0..6).map(|n| n.to_string()).collect();
            let won: Vec<&String> = std::thread::scope(|s| {
                let threads: Vec<_> = texts
                    .iter()
                    .map(|text| {
                        let files: [(&str, &[u8]); 2] = [("a", text.as_bytes()), ("b", text.as_bytes())];
                        let folder = &folder;
                        s.spawn(move || write_all_or_none(folder, &files, None).is_ok().then_some(text))
                    })
                    .collect();
                threads.into_iter().filter_map(|t| t.join().unwrap()).collect()
            });
            assert_eq!(won.len(), 1, "{won:?}");
            assert_eq!(names(&folder), ["a", "b"]);
            for name in ["a", "b"] {
                assert_eq!(&fs::read_to_string(folder.join(name)).unwrap(), won[0]);
            }
            assert_eq!(names(dir.path()), ["f"]);
        }
    }
}

#[test]
fn without_links_a_name_is_taken_all_the_same_and_only_once() {
    let dir = tempfile::tempdir().unwrap();
    let (hidden, path) = (dir.path().join(".a"), dir.path().join("a"));
    let no_links = |_: &Path, _: &Path| Err(ErrorKind::PermissionDenied.into());
    fs::write(&hidden, "first").unwrap();
    take_name(&hidden, &path, no_links).unwrap();
    fs::write(&hidden, "second").unwrap();
    assert_eq!(take_name(&hidden, &path, no_links).unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(
        (names(dir.path()), fs::read(&path).unwrap()),
        (vec![".a".into(), "a".into()], b"first".to_vec())
    );
    // What cannot be moved leaves no empty file behind.
    fs::remove_file(&path).unwrap();
    assert!(take_name(&dir.path().join("none"), &path, no_links).is_err());
    assert!(!path.exists());
}
