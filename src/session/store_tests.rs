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
    let paths = write_all_or_none(dir.path(), &FILES).unwrap();
    assert_eq!(names(dir.path()), ["a", "b", "c"]);
    assert_eq!(fs::read(&paths[1]).unwrap(), b"22");
}

#[test]
fn an_existing_file_is_kept_and_all_of_them_are_named() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("b"), "old").unwrap();
    symlink("/nowhere/at/all", dir.path().join("c")).unwrap();
    let e = write_all_or_none(dir.path(), &FILES).unwrap_err();
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
    let e = write_all_or_none(&folder, &files).unwrap_err();
    assert_eq!(e.kind(), Kind::File);
    assert!(!folder.exists(), "the folder that it made is still there");
    fs::create_dir(&folder).unwrap();
    assert!(write_all_or_none(&folder, &files).is_err());
    assert!(names(&folder).is_empty(), "{:?}", names(&folder));
}

#[test]
fn a_name_that_is_taken_at_the_last_moment_takes_everything_back() {
    let dir = tempfile::tempdir().unwrap();
    // Two files of one name: the second link finds the first, as it would find another process's file.
    let files: [(&str, &[u8]); 3] = [("a", b"1"), ("b", b"2"), ("b", b"3")];
    let e = write_all_or_none(dir.path(), &files).unwrap_err();
    assert!(e.to_string().contains("the file exists already"), "{e}");
    assert!(names(dir.path()).is_empty(), "{:?}", names(dir.path()));
}

#[test]
fn a_folder_that_cannot_be_made_is_told() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    for folder in [dir.path().join("file"), dir.path().join("no/such/parent")] {
        let e = write_all_or_none(&folder, &FILES).unwrap_err();
        assert!(e.to_string().contains("cannot make the folder"), "{e}");
    }
}
