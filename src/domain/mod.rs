//! A libvirt domain document: read into facts, edited without touching a byte that no edit names.
//! No SEV knowledge lives here.
