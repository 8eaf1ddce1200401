//! What lives: every handle and every string that a caller was given. In: values. Out: addresses, and the values again.
//! Never: follows an address.
//!
//! Each value is an `Arc`, whose address is the handle. A call clones it out of the table, so one that is freed meanwhile
//! on another thread stays whole until the call is over.
#![forbid(unsafe_code)]

use std::any::Any;
use std::collections::BTreeMap;
use std::ffi::c_char;
use std::sync::atomic::AtomicU8;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use virt_sev::{Error, Kind, Result};

/// A type of handle in C, and what stands behind it.
pub(crate) trait Handle {
    /// What it stands for.
    type Held: Any + Send + Sync;
    /// Its name in C.
    const NAME: &'static str;
}

type Table = BTreeMap<usize, Arc<dyn Any + Send + Sync>>;

static TABLE: Mutex<Table> = Mutex::new(Table::new());

/// No value is half in the table, whoever panicked.
fn table() -> MutexGuard<'static, Table> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many handles and strings live.
pub(crate) fn count() -> usize {
    table().len()
}

/// Gives a value to the caller.
pub(crate) fn give<H: Handle>(value: H::Held) -> *mut H {
    let value = Arc::new(value);
    let address = Arc::as_ptr(&value);
    table().insert(address.addr(), value);
    address.cast_mut().cast()
}

/// The value behind a handle.
///
/// # Errors
/// `Kind::Usage` for NULL, for a handle that was freed or is of another kind, and for what is no handle.
pub(crate) fn find<H: Handle>(handle: *const H) -> Result<Arc<H::Held>> {
    let wrong =
        |message: &str| Err(Error::new(Kind::Usage, message).at(H::NAME).wanted("a handle that lives"));
    if handle.is_null() {
        return wrong("NULL is no handle");
    }
    let found = table().get(&handle.addr()).cloned();
    match found.map(Arc::downcast) {
        Some(Ok(value)) => Ok(value),
        Some(Err(_)) => wrong("the handle is of another kind"),
        None => wrong("the handle was freed, or never was one"),
    }
}

/// What is behind a handle and can be changed. Each change is a new value, so that a call sees it whole, as it was.
pub(crate) type Changing<T> = RwLock<Arc<T>>;

/// The value as it is now; what is set meanwhile on another thread is not seen.
///
/// # Errors
/// As [`find`].
pub(crate) fn now<T, H>(handle: *const H) -> Result<Arc<T>>
where
    T: Send + Sync + 'static,
    H: Handle<Held = Changing<T>>,
{
    Ok(Arc::clone(&find(handle)?.read().unwrap_or_else(PoisonError::into_inner)))
}

/// Changes a copy, which counts when the change is made: what fails changes nothing.
///
/// # Errors
/// As [`find`]; those of the change.
pub(crate) fn change<T, H>(handle: *const H, change: impl FnOnce(&mut T) -> Result<()>) -> Result<()>
where
    T: Clone + Send + Sync + 'static,
    H: Handle<Held = Changing<T>>,
{
    let held = find(handle)?;
    let mut now = held.write().unwrap_or_else(PoisonError::into_inner);
    let mut next = T::clone(&now);
    change(&mut next)?;
    *now = Arc::new(next);
    Ok(())
}

/// Takes a handle back. What is none, or of another kind, is left alone.
pub(crate) fn free<H: Handle>(handle: *mut H) {
    // Dropped only when the table is free again: a value may take its time.
    drop(take::<H::Held>(handle.addr()));
}

fn take<T: Any + Send + Sync>(address: usize) -> Option<Arc<dyn Any + Send + Sync>> {
    let mut table = table();
    if table.get(&address).is_some_and(|value| value.is::<T>()) { table.remove(&address) } else { None }
}

/// A string that a caller holds, and may write into.
struct Text(Box<[AtomicU8]>);

/// Gives a string to the caller.
///
/// # Errors
/// `Kind::Bug` where it holds a NUL: C would see only its beginning.
pub(crate) fn give_text(text: String) -> Result<*mut c_char> {
    if text.contains('\0') {
        return Err(Error::new(Kind::Bug, "the answer holds a NUL character, which no C string can"));
    }
    let text = Text(text.into_bytes().into_iter().chain([0]).map(AtomicU8::new).collect());
    let address = text.0.as_ptr().cast_mut();
    table().insert(address.addr(), Arc::new(text));
    Ok(address.cast())
}

/// Takes a string back. What is none is left alone.
pub(crate) fn free_text(text: *mut c_char) {
    drop(take::<Text>(text.addr()));
}
