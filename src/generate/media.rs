//! Disks, seeds and networks as they are asked for. In: one option's text. Out: typed values.
//! Never: a look at a file, and so never a guess at its format from its content.

use super::fields::{Fields, is_text};
use crate::error::Error;

/// How a disk image is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Bytes as they are.
    Raw,
    /// QEMU's own.
    Qcow2,
}

impl Format {
    /// As libvirt and qemu-img spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Raw => "raw",
            Format::Qcow2 => "qcow2",
        }
    }

    /// What was said, or what the name's ending means to everybody. `.img` means both: Debian's is raw, Ubuntu's is
    /// qcow2. The content is not asked: a guest writes its own disk, and could make it name another file of the host.
    fn of(fields: &Fields, field: &str, said: Option<&str>, path: &str) -> Result<Self, Error> {
        let ending = path.rsplit('/').next().and_then(|n| n.rsplit_once('.')).map(|(_, e)| e);
        match (said, ending) {
            (Some("raw"), _) | (None, Some("raw" | "iso")) => Ok(Format::Raw),
            (Some("qcow2"), _) | (None, Some("qcow2")) => Ok(Format::Qcow2),
            (Some(other), _) => Err(fields
                .error("not an image format")
                .found(format!("{field}={other}"))
                .wanted(format!("{field}=raw or {field}=qcow2"))),
            (None, _) if path.starts_with("/dev/") => Ok(Format::Raw),
            (None, _) => Err(fields
                .error("the image's format is not known from its name")
                .found(path.to_owned())
                .wanted(format!("a name in .qcow2 or .raw, or {field}=raw or {field}=qcow2"))),
        }
    }
}

/// A new image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Creation {
    /// Bytes that the guest sees; `None`: as many as the image below has.
    pub size: Option<u64>,
    /// The image that it lies upon, which is never written.
    pub backing: Option<(String, Format)>,
}

/// One disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// Where the hypervisor finds it.
    pub path: String,
    /// Its format.
    pub format: Format,
    /// How it is made; `None` for one that is there, or will be.
    pub creation: Option<Creation>,
}

impl Disk {
    /// Reads `PATH[,SIZE][,format=raw|qcow2][,backing=PATH[,backing-format=raw|qcow2]]`.
    ///
    /// # Errors
    /// `Kind::Usage`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut fields = Fields::read("--disk", text, Some("size"))?;
        let path = fields.path(&fields.first)?;
        let said = fields.take("format");
        let format = Format::of(&fields, "format", said.as_deref(), &path)?;
        let size = fields.take("size").map(|s| fields.size(&s)).transpose()?;
        let below = fields.take("backing-format");
        let backing = match fields.take("backing") {
            Some(base) => {
                let base = fields.path(&base)?;
                let format = Format::of(&fields, "backing-format", below.as_deref(), &base)?;
                Some((base, format))
            }
            None if below.is_some() => return Err(fields.error("backing-format goes with backing")),
            None => None,
        };
        let created = size.is_some() || backing.is_some();
        if created && path.starts_with("/dev/") {
            return Err(fields.error("a device is not created").wanted("a size or backing with a file only"));
        }
        if backing.is_some() && format == Format::Raw {
            return Err(fields.error("a raw image lies upon no other").wanted("format=qcow2"));
        }
        fields.done("size, format, backing, backing-format")?;
        let creation = created.then_some(Creation { size, backing });
        Ok(Self { path, format, creation })
    }

    /// True for a block device.
    #[must_use]
    pub fn is_device(&self) -> bool {
        self.path.starts_with("/dev/")
    }
}

/// The files that a seed is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedSources {
    /// What the guest is to do at its first start. It may hold secrets.
    pub user_data: String,
    /// Who the guest is; `None`: its domain's name.
    pub meta_data: Option<String>,
    /// Its network.
    pub network_config: Option<String>,
}

/// cloud-init's NoCloud seed: a read-only disk with the label `cidata`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed {
    /// The image.
    pub path: String,
    /// What it is made of; `None` for one that is there, or will be.
    pub sources: Option<SeedSources>,
}

impl Seed {
    /// Reads `PATH[,user-data=FILE[,meta-data=FILE][,network-config=FILE]]`.
    ///
    /// # Errors
    /// `Kind::Usage`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut fields = Fields::read("--cloud-init", text, None)?;
        let path = fields.path(&fields.first)?;
        let [user_data, meta_data, network_config] =
            ["user-data", "meta-data", "network-config"].map(|n| fields.take(n));
        let sources = match user_data {
            Some(user_data) => Some(SeedSources { user_data, meta_data, network_config }),
            None if meta_data.is_some() || network_config.is_some() => {
                return Err(fields.error("a seed has no user data").wanted("user-data=FILE too"));
            }
            None => None,
        };
        if sources.is_some() && path.starts_with("/dev/") {
            return Err(fields.error("a device is not created").wanted("user-data with a file only"));
        }
        fields.done("user-data, meta-data, network-config")?;
        Ok(Self { path, sources })
    }
}

/// What a network interface is connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// `network`, `bridge` or `user`, as libvirt calls it.
    pub kind: &'static str,
    /// The network's or the bridge's name; empty for `user`.
    pub name: String,
    /// Only where it was given: libvirt makes one at the definition.
    pub mac: Option<String>,
}

impl Network {
    /// Reads `NAME`, `network=NAME`, `bridge=NAME` or `user`, with `,mac=MAC` after it.
    ///
    /// # Errors
    /// `Kind::Usage`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut fields = Fields::read("--network", text, None)?;
        let (kind, name) = match fields.first.split_once('=') {
            Some(("network", name)) => ("network", name),
            Some(("bridge", name)) => ("bridge", name),
            Some((other, _)) => {
                return Err(fields
                    .error("not a kind of network")
                    .found(format!("{other:?}"))
                    .wanted("network=NAME, bridge=NAME or user"));
            }
            None if fields.first == "user" => ("user", ""),
            None => ("network", fields.first.as_str()),
        };
        // libvirt's schema: any text for a network, these letters for a bridge.
        let bridge = |c: char| c.is_ascii_alphanumeric() || "_.-:".contains(c);
        let fits = match kind {
            "user" => true,
            "bridge" => !name.is_empty() && name.chars().all(bridge),
            _ => !name.trim().is_empty() && !name.contains('/') && is_text(name),
        };
        if !fits {
            let wanted = if kind == "bridge" { "letters, digits and _.-:" } else { "one line without /" };
            return Err(fields.error("not a network's name").found(format!("{name:?}")).wanted(wanted));
        }
        let name = name.to_owned();
        let mac = fields.take("mac");
        if let Some(mac) = mac.as_deref().filter(|m| !is_mac(m)) {
            return Err(fields
                .error("not the MAC address of a guest")
                .found(format!("{mac:?}"))
                .wanted("six pairs of hexadecimal digits, not multicast, such as 52:54:00:12:34:56"));
        }
        fields.done("mac")?;
        Ok(Self { kind, name, mac })
    }
}

/// libvirt's schema `uniMacAddr`: the lowest bit of the first byte is 0.
fn is_mac(text: &str) -> bool {
    let pair = |p: &str| p.len() == 2 && p.bytes().all(|b| b.is_ascii_hexdigit());
    text.split(':').count() == 6
        && text.split(':').all(pair)
        && u8::from_str_radix(&text[..2], 16).is_ok_and(|b| b & 1 == 0)
}
