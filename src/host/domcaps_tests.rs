//! Domain capabilities in libvirt's documented form.

use super::*;

/// The parts that matter, in the form of libvirt's `tests/domaincapsdata` for a host with SEV and SEV-ES.
const XML: &str = "<domainCapabilities>\n  <path>/usr/bin/qemu-system-x86_64</path>\n  <domain>kvm</domain>
  <os supported='yes'>
    <enum name='firmware'>\n      <value>bios</value>\n      <value>efi</value>\n    </enum>
    <loader supported='yes'>
      <value>/usr/share/ovmf/OVMF.amdsev.fd</value>
      <value>/usr/share/a&amp;b.fd</value>
      <enum name='type'>\n        <value>rom</value>\n        <value>pflash</value>\n      </enum>
    </loader>
  </os>
  <cpu>
    <mode name='maximum' supported='yes'><model>max</model></mode>
    <mode name='host-model' supported='yes'>
      <model fallback='forbid'>EPYC-Milan</model>
      <feature policy='require' name='x2apic'/>
    </mode>
    <mode name='custom' supported='yes'>
      <model usable='no' vendor='Intel'>Haswell</model>
    </mode>
  </cpu>
  <features>
    <sev supported='yes'>
      <cbitpos>51</cbitpos>
      <reducedPhysBits>1</reducedPhysBits>
      <maxGuests>410</maxGuests>
      <maxESGuests>99</maxESGuests>
    </sev>
    <launchSecurity supported='yes'>
      <enum name='sectype'>\n        <value>sev</value>\n        <value>sev-snp</value>\n      </enum>
    </launchSecurity>
  </features>
</domainCapabilities>\n";

#[test]
fn all_that_libvirt_says() {
    let caps = parse(XML).unwrap();
    assert!(caps.sev && caps.sev_es && caps.sev_snp);
    assert_eq!((caps.cbitpos, caps.reduced_phys_bits), (Some(51), Some(1)));
    assert_eq!((caps.max_guests, caps.max_es_guests), (Some(410), Some(99)));
    assert_eq!(caps.host_model.as_deref(), Some("EPYC-Milan"));
    let loaders: Vec<_> = caps.loaders.iter().map(|p| p.to_str().unwrap()).collect();
    assert_eq!(loaders, ["/usr/share/ovmf/OVMF.amdsev.fd", "/usr/share/a&b.fd"]);
}

#[test]
fn no_sev_is_no_sev() {
    let none = "<domainCapabilities><features><sev supported='no'/></features></domainCapabilities>";
    assert_eq!(parse(none).unwrap(), DomCaps::default());
    let no_es = XML.replace("<maxESGuests>99</maxESGuests>", "<maxESGuests>0</maxESGuests>");
    assert!(!parse(&no_es).unwrap().sev_es);
    let other_enum = XML.replace("name='sectype'", "name='other'");
    assert!(!parse(&other_enum).unwrap().sev_snp);
}

#[test]
fn another_document_is_refused() {
    for xml in ["", "<domain/>", "<domainCapabilities>", "<a></b>", "no XML", "<x><domainCapabilities/></x>"]
    {
        assert_eq!(parse(xml).unwrap_err().kind(), Kind::File, "{xml}");
    }
}
