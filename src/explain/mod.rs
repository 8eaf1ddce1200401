//! What there is to know of a finding's id, a code, or a message of any program between us and the chip.
//!
//! `text → rule, codes, topics → text`. Messages are data, a table a program; `find` is the one lookup.

mod find;
mod firmware;
mod hypervisor;
mod kernel;
mod launch;
mod libvirt;
mod own;
mod owner;
mod page;
mod rules;
mod snp;
mod topic;

pub use find::{in_message, look_up, messages};
pub use own::{advice, codes};
pub use page::{brief, code_text, message_list, message_markdown, message_text};
pub use rules::{find, list, markdown, paragraphs, text, topics};
pub use topic::{Cause, Topic};
