//! Launch digests, measurements and their verification. Off line: no libvirt, no host.
