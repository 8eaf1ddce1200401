//! libvirt for virt-sev: the only package that links it.
