//! `virt-sev firmware`: its examples.

pub(crate) const LIST_EXAMPLES: &str = "\
The order is libvirt's: by the descriptors' names, where one in /etc hides one of the same name in /usr.
An image that nobody claims for a mode is not chosen by libvirt itself: security.sev.firmware=IMAGE takes it.

Examples:
  virt-sev firmware list
  virt-sev firmware list --format json | jq '.images[] | [.image, .serves]'";
