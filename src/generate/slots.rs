//! The one table of what a template may hold. In: nothing. Out: slots and groups, each with its option.
//! Never: a value.

/// One slot.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) name: &'static str,
    pub(super) slot_type: &'static str,
    /// The option that fills it.
    pub(super) option: &'static str,
    /// It always has a value.
    pub(super) always: bool,
}

/// One group: what `each` may name.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: &'static str,
    /// The option that gives it members; `None`: decided, not asked for.
    pub(super) option: Option<&'static str>,
    /// The slots of a member.
    pub(super) slots: &'static [Slot],
}

const fn slot(name: &'static str, slot_type: &'static str, option: &'static str) -> Slot {
    Slot { name, slot_type, option, always: false }
}

const fn always(name: &'static str, slot_type: &'static str) -> Slot {
    Slot { name, slot_type, option: "", always: true }
}

const fn group(name: &'static str, option: &'static str, slots: &'static [Slot]) -> Group {
    Group { name, option: Some(option), slots }
}

/// Slots that may stand anywhere.
pub(super) const SLOTS: &[Slot] = &[
    always("name", "text"),
    slot("uuid", "text", "--uuid"),
    always("memory_kib", "uint"),
    always("vcpus", "uint"),
    always("cpu_mode", "word"),
    slot("kernel", "path", "--kernel"),
    slot("initrd", "path", "--initrd"),
    slot("cmdline", "text", "--cmdline"),
];

/// Groups, with the slots that may stand in their elements only.
pub(super) const GROUPS: &[Group] = &[
    group(
        "disk",
        "--disk",
        &[
            always("disk_type", "word"),
            slot("file", "path", "--disk"),
            slot("device", "path", "--disk"),
            always("format", "word"),
            always("target", "word"),
        ],
    ),
    group("seed", "--cloud-init", &[always("file", "path"), always("target", "word")]),
    group(
        "network",
        "--network",
        &[
            always("network_type", "word"),
            slot("network", "text", "--network"),
            slot("bridge", "text", "--network"),
            slot("mac", "text", "--network"),
        ],
    ),
    Group { name: "cpu-model", option: None, slots: &[always("cpu_model", "text")] },
    group("cell", "--numa", &[always("cell", "uint"), always("cpus", "word"), always("cell_kib", "uint")]),
    group("hugepages", "--hugepages", &[]),
    group("page", "--hugepages=SIZE", &[always("page_kib", "uint")]),
    group("tpm", "--tpm", &[]),
    group("vsock", "--vsock", &[]),
];
