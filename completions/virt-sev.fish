# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_virt_sev_global_optspecs
	string join \n c/connect= format= q/quiet v/verbose color= h/help V/version
end

function __fish_virt_sev_needs_command
	# Figure out if the current invocation already has a command.
	set -l cmd (commandline -opc)
	set -e cmd[1]
	argparse -s (__fish_virt_sev_global_optspecs) -- $cmd 2>/dev/null
	or return
	if set -q argv[1]
		# Also print the command, so this can be used to figure out what it is.
		echo $argv[1]
		return 1
	end
	return 0
end

function __fish_virt_sev_using_subcommand
	set -l cmd (__fish_virt_sev_needs_command)
	test -z "$cmd"
	and return 1
	contains -- $cmd[1] $argv
end

complete -c virt-sev -n "__fish_virt_sev_needs_command" -s c -l connect -d 'URI of the hypervisor; else LIBVIRT_DEFAULT_URI' -r
complete -c virt-sev -n "__fish_virt_sev_needs_command" -l format -d 'text, json; md, sarif or prometheus where help says so' -r -f -a "text\t''
json\t''
md\t''
sarif\t''
prometheus\t''"
complete -c virt-sev -n "__fish_virt_sev_needs_command" -l color -d 'Colour: auto, always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c virt-sev -n "__fish_virt_sev_needs_command" -s q -l quiet -d 'Only the answer, warnings and errors'
complete -c virt-sev -n "__fish_virt_sev_needs_command" -s v -l verbose -d 'Say more; -vv: also what enters a measurement'
complete -c virt-sev -n "__fish_virt_sev_needs_command" -s h -l help -d 'Print help'
complete -c virt-sev -n "__fish_virt_sev_needs_command" -s V -l version -d 'Print version'
complete -c virt-sev -n "__fish_virt_sev_needs_command" -f -a "keys" -d 'Lists the keys, or converts foreign settings to them'
complete -c virt-sev -n "__fish_virt_sev_needs_command" -f -a "apply" -d 'Makes a domain document right: XML in, XML out'
complete -c virt-sev -n "__fish_virt_sev_needs_command" -f -a "lint" -d 'Says which rules a domain breaks; changes nothing'
complete -c virt-sev -n "__fish_virt_sev_needs_command" -f -a "explain" -d 'Says what is behind a rule, a code or a message, and what to do'
complete -c virt-sev -n "__fish_virt_sev_needs_command" -f -a "generate" -d 'Makes a new domain from a template, right already'
complete -c virt-sev -n "__fish_virt_sev_needs_command" -f -a "host" -d 'Says what a host can do, layer by layer, and how to mend the rest'
complete -c virt-sev -n "__fish_virt_sev_needs_command" -f -a "check" -d 'Says whether a launch could begin on this host now'
complete -c virt-sev -n "__fish_virt_sev_needs_command" -f -a "define" -d 'Applies, checks the host, and defines the domain'
complete -c virt-sev -n "__fish_virt_sev_needs_command" -f -a "launch" -d 'Defines, starts paused, measures, verifies, injects, resumes'
complete -c virt-sev -n "__fish_virt_sev_needs_command" -f -a "measurement" -d 'Reads what a launched guest reports'
complete -c virt-sev -n "__fish_virt_sev_needs_command" -f -a "chain" -d 'Reads, shows and verifies a platform\'s certificates'
complete -c virt-sev -n "__fish_virt_sev_needs_command" -f -a "session" -d 'Makes a guest owner\'s session for a platform'
complete -c virt-sev -n "__fish_virt_sev_needs_command" -f -a "verify" -d 'Verifies a launch; has the options of virt-qemu-sev-validate'
complete -c virt-sev -n "__fish_virt_sev_needs_command" -f -a "digest" -d 'Computes the launch digest that a guest will have'
complete -c virt-sev -n "__fish_virt_sev_needs_command" -f -a "firmware" -d 'Shows a host\'s firmware images, and what they really hold'
complete -c virt-sev -n "__fish_virt_sev_needs_command" -f -a "secret" -d 'Builds or injects launch secrets'
complete -c virt-sev -n "__fish_virt_sev_needs_command" -f -a "hook" -d 'Installs or removes the hooks of libvirt and of oVirt'
complete -c virt-sev -n "__fish_virt_sev_needs_command" -f -a "snp" -d 'Signs an ID block, verifies an attestation report of SEV-SNP'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand keys" -l convert -d 'Print what FILE means as keys that --config takes; - is standard input (repeatable: as with --config)' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand keys" -l config-format -d 'How every FILE is written, where it is not to be recognised' -r -f -a "auto\t''
lxd\t''
kubevirt\t''
nova\t''
proxmox\t''
metadata\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand keys" -s c -l connect -d 'URI of the hypervisor; else LIBVIRT_DEFAULT_URI' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand keys" -l format -d 'text, json; md, sarif or prometheus where help says so' -r -f -a "text\t''
json\t''
md\t''
sarif\t''
prometheus\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand keys" -l color -d 'Colour: auto, always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand keys" -s q -l quiet -d 'Only the answer, warnings and errors'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand keys" -s v -l verbose -d 'Say more; -vv: also what enters a measurement'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand keys" -s h -l help -d 'Print help'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand apply" -l config -d 'Keys: a flat map in YAML or JSON, or what LXD, Incus, KubeVirt, Nova or Proxmox has; - is standard input (repeatable: the later wins)' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand apply" -l config-format -d 'How every --config is written, where it is not to be recognised' -r -f -a "auto\t''
lxd\t''
kubevirt\t''
nova\t''
proxmox\t''
metadata\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand apply" -l set -d 'One key, above every --config; @FILE for VALUE reads it from a file (repeatable)' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand apply" -l skip -d 'Leave out a rule; `virt-sev explain --list` names them (repeatable)' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand apply" -s o -l output -d 'Write the document to FILE instead of standard output' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand apply" -l domcaps -d 'Domain capabilities of the host, as `virsh domcapabilities` prints them' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand apply" -l host-root -d 'Read the host\'s facts below DIR: its files, and CPUID from DIR/cpuid' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand apply" -s c -l connect -d 'URI of the hypervisor; else LIBVIRT_DEFAULT_URI' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand apply" -l format -d 'text, json; md, sarif or prometheus where help says so' -r -f -a "text\t''
json\t''
md\t''
sarif\t''
prometheus\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand apply" -l color -d 'Colour: auto, always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand apply" -l no-metadata -d 'Ignore the keys in the domain\'s own metadata'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand apply" -l record -d 'Record the keys in the domain\'s metadata, in place of those there; blobs are left out'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand apply" -s i -l in-place -d 'Write the file in place, at once or not at all'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand apply" -l check -d 'Print nothing; exit 1 if the document would change'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand apply" -l diff -d 'Print a unified diff instead of the document; hunks name their rules'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand apply" -l explain -d 'Print every edit and finding with rule, reason and source instead'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand apply" -s q -l quiet -d 'Only the answer, warnings and errors'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand apply" -s v -l verbose -d 'Say more; -vv: also what enters a measurement'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand apply" -s h -l help -d 'Print help'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand lint" -l domain -d 'A domain of the hypervisor that -c names (repeatable)' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand lint" -l config -d 'Keys: a flat map in YAML or JSON, or what LXD, Incus, KubeVirt, Nova or Proxmox has; - is standard input (repeatable: the later wins)' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand lint" -l config-format -d 'How every --config is written, where it is not to be recognised' -r -f -a "auto\t''
lxd\t''
kubevirt\t''
nova\t''
proxmox\t''
metadata\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand lint" -l set -d 'One key, above every --config; @FILE for VALUE reads it from a file (repeatable)' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand lint" -l skip -d 'Leave out a rule; `virt-sev explain --list` names them (repeatable)' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand lint" -l domcaps -d 'Domain capabilities of the host, as `virsh domcapabilities` prints them' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand lint" -l host-root -d 'Read the host\'s facts below DIR: its files, and CPUID from DIR/cpuid' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand lint" -s c -l connect -d 'URI of the hypervisor; else LIBVIRT_DEFAULT_URI' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand lint" -l format -d 'text, json; md, sarif or prometheus where help says so' -r -f -a "text\t''
json\t''
md\t''
sarif\t''
prometheus\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand lint" -l color -d 'Colour: auto, always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand lint" -l all -d 'Every domain of the hypervisor that -c names'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand lint" -l no-metadata -d 'Ignore the keys in the domain\'s own metadata'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand lint" -l explain -d 'After the findings of each rule: why it is, what breaks without it, and the source'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand lint" -l strict -d 'Exit 1 for warnings too'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand lint" -l record -d 'Record the keys in the domain\'s metadata, in place of those there; blobs are left out'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand lint" -s q -l quiet -d 'Only the answer, warnings and errors'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand lint" -s v -l verbose -d 'Say more; -vv: also what enters a measurement'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand lint" -s h -l help -d 'Print help'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand explain" -s c -l connect -d 'URI of the hypervisor; else LIBVIRT_DEFAULT_URI' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand explain" -l format -d 'text, json; md, sarif or prometheus where help says so' -r -f -a "text\t''
json\t''
md\t''
sarif\t''
prometheus\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand explain" -l color -d 'Colour: auto, always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand explain" -l list -d 'Every rule with its title; with --format md or json everything about them'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand explain" -l list-messages -d 'Every message and status code with its title; with --format md or json everything about them'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand explain" -s q -l quiet -d 'Only the answer, warnings and errors'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand explain" -s v -l verbose -d 'Say more; -vv: also what enters a measurement'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand explain" -s h -l help -d 'Print help'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -l memory -d 'Memory, such as 4GiB' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -l vcpus -d 'Virtual processors' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -l disk -d 'PATH[,SIZE][,format=raw|qcow2][,backing=PATH]: a disk (repeatable); with SIZE or backing it is created, by qemu-img' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -l network -d 'NAME, bridge=NAME or user, with ,mac=MAC: a network interface (repeatable)' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -l kernel -d 'Boot this kernel' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -l initrd -d 'Its initial RAM disk' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -l cmdline -d 'Its command line, taken exactly' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -l cloud-init -d 'PATH[,user-data=FILE[,meta-data=FILE][,network-config=FILE]]: cloud-init\'s seed; with user-data it is created, by xorriso' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -l cpu -d 'Model, or host-passthrough, host-model, maximum; unless given, what suits the keys' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -l numa -d 'NUMA cells, of equal size as far as that goes' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -l hugepages -d 'Huge pages, of the host\'s default size or of SIZE' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -l uuid -d 'UUID, where it must not be libvirt\'s choice' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -l template -d 'Template, by the name that --list gives it' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -l template-dir -d 'Your own templates: every DIR/NAME.xml; they come before the built-in ones (repeatable)' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -s o -l output -d 'Write to FILE instead of standard output' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -l config -d 'Keys: a flat map in YAML or JSON, or what LXD, Incus, KubeVirt, Nova or Proxmox has; - is standard input (repeatable: the later wins)' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -l config-format -d 'How every --config is written, where it is not to be recognised' -r -f -a "auto\t''
lxd\t''
kubevirt\t''
nova\t''
proxmox\t''
metadata\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -l set -d 'One key, above every --config; @FILE for VALUE reads it from a file (repeatable)' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -l skip -d 'Leave out a rule; `virt-sev explain --list` names them (repeatable)' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -l domcaps -d 'Domain capabilities of the host, as `virsh domcapabilities` prints them' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -l host-root -d 'Read the host\'s facts below DIR: its files, and CPUID from DIR/cpuid' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -s c -l connect -d 'URI of the hypervisor; else LIBVIRT_DEFAULT_URI' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -l format -d 'text, json; md, sarif or prometheus where help says so' -r -f -a "text\t''
json\t''
md\t''
sarif\t''
prometheus\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -l color -d 'Colour: auto, always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -l tpm -d 'An emulated TPM 2.0; its state lies on the host'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -l vsock -d 'A socket to the host'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -l list -d 'List the templates'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -l no-metadata -d 'Ignore the keys in the domain\'s own metadata'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -l record -d 'Record the keys in the domain\'s metadata, in place of those there; blobs are left out'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -s q -l quiet -d 'Only the answer, warnings and errors'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -s v -l verbose -d 'Say more; -vv: also what enters a measurement'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand generate" -s h -l help -d 'Print help'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand host" -l domcaps -d 'Domain capabilities of the host, as `virsh domcapabilities` prints them' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand host" -l host-root -d 'Read the host\'s facts below DIR: its files, and CPUID from DIR/cpuid' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand host" -l collect -d 'Write what was read into a new folder that --host-root reads on any machine; no secrets, no firmware images' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand host" -l timeout -d 'Longest wait for one answer of the hypervisor' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand host" -s c -l connect -d 'URI of the hypervisor; else LIBVIRT_DEFAULT_URI' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand host" -l format -d 'text, json; md, sarif or prometheus where help says so' -r -f -a "text\t''
json\t''
md\t''
sarif\t''
prometheus\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand host" -l color -d 'Colour: auto, always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand host" -s q -l quiet -d 'Only the answer, warnings and errors'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand host" -s v -l verbose -d 'Say more; -vv: also what enters a measurement'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand host" -s h -l help -d 'Print help'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand check" -l config -d 'Keys: a flat map in YAML or JSON, or what LXD, Incus, KubeVirt, Nova or Proxmox has; - is standard input (repeatable: the later wins)' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand check" -l config-format -d 'How every --config is written, where it is not to be recognised' -r -f -a "auto\t''
lxd\t''
kubevirt\t''
nova\t''
proxmox\t''
metadata\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand check" -l set -d 'One key, above every --config; @FILE for VALUE reads it from a file (repeatable)' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand check" -l skip -d 'Leave out a rule; `virt-sev explain --list` names them (repeatable)' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand check" -l host-root -d 'Of the host, take all but libvirt\'s own facts from DIR, as `virt-sev host --collect DIR` wrote it there' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand check" -l timeout -d 'Longest wait for one answer of the hypervisor' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand check" -s c -l connect -d 'URI of the hypervisor; else LIBVIRT_DEFAULT_URI' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand check" -l format -d 'text, json; md, sarif or prometheus where help says so' -r -f -a "text\t''
json\t''
md\t''
sarif\t''
prometheus\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand check" -l color -d 'Colour: auto, always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand check" -l no-metadata -d 'Ignore the keys in the domain\'s own metadata'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand check" -l injects-secret -d 'A secret is to be injected: the firmware must have a place for it'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand check" -l record -d 'Record the keys in the domain\'s metadata, in place of those there; blobs are left out'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand check" -s q -l quiet -d 'Only the answer, warnings and errors'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand check" -s v -l verbose -d 'Say more; -vv: also what enters a measurement'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand check" -s h -l help -d 'Print help'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand define" -l config -d 'Keys: a flat map in YAML or JSON, or what LXD, Incus, KubeVirt, Nova or Proxmox has; - is standard input (repeatable: the later wins)' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand define" -l config-format -d 'How every --config is written, where it is not to be recognised' -r -f -a "auto\t''
lxd\t''
kubevirt\t''
nova\t''
proxmox\t''
metadata\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand define" -l set -d 'One key, above every --config; @FILE for VALUE reads it from a file (repeatable)' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand define" -l skip -d 'Leave out a rule; `virt-sev explain --list` names them (repeatable)' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand define" -l timeout -d 'Longest wait for one answer of the hypervisor' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand define" -s c -l connect -d 'URI of the hypervisor; else LIBVIRT_DEFAULT_URI' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand define" -l format -d 'text, json; md, sarif or prometheus where help says so' -r -f -a "text\t''
json\t''
md\t''
sarif\t''
prometheus\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand define" -l color -d 'Colour: auto, always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand define" -l no-metadata -d 'Ignore the keys in the domain\'s own metadata'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand define" -l record -d 'Record the keys in the domain\'s metadata, in place of those there; blobs are left out'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand define" -s q -l quiet -d 'Only the answer, warnings and errors'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand define" -s v -l verbose -d 'Say more; -vv: also what enters a measurement'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand define" -s h -l help -d 'Print help'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -l evidence -d 'Write what the owner needs for `verify --evidence` to FILE' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -l timeout -d 'Longest wait for one answer of the hypervisor' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -l config -d 'Keys: a flat map in YAML or JSON, or what LXD, Incus, KubeVirt, Nova or Proxmox has; - is standard input (repeatable: the later wins)' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -l config-format -d 'How every --config is written, where it is not to be recognised' -r -f -a "auto\t''
lxd\t''
kubevirt\t''
nova\t''
proxmox\t''
metadata\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -l set -d 'One key, above every --config; @FILE for VALUE reads it from a file (repeatable)' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -l skip -d 'Leave out a rule; `virt-sev explain --list` names them (repeatable)' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -l api-major -d 'SEV firmware API, major version' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -l api-minor -d 'SEV firmware API, minor version' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -l build-id -d 'SEV firmware build' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -l policy -d 'Guest policy, hexadecimal with 0x or decimal' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -s f -l firmware -d 'Firmware image' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -s k -l kernel -d 'Kernel' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -s r -l initrd -d 'Initial ram disk' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -s e -l cmdline -d 'Kernel command line, exactly as the guest gets it' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -s n -l num-cpus -d 'Number of virtual processors, for SEV-ES and SEV-SNP' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -s 0 -l vmsa-cpu0 -d 'VMSA page of the boot processor, as a file' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -s 1 -l vmsa-cpu1 -d 'VMSA page of every other processor, as a file' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -l vcpu-type -d 'Processor, as a model of QEMU and libvirt: EPYC-Milan' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -l vcpu-sig -d 'Processor, as EAX of CPUID function 1: 0xa00f11' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -l cpu-family -d 'Processor family; model and stepping too' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -l cpu-model -d 'Processor model' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -l cpu-stepping -d 'Processor stepping' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -l guest-features -d 'SEV_FEATURES of the processors, unless given 0x1 for SEV-SNP and 0 for SEV-ES' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -l legacy-vm-type -d 'Initial state of SEV-ES processors: on for KVM_SEV_INIT, off for KVM_SEV_INIT2; named as QEMU\'s property' -r -f -a "on\t''
off\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -l tik -d 'File with the TIK, 16 bytes' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -l tek -d 'File with the TEK, 16 bytes' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -l tk -d 'File with TEK and TIK, 32 bytes' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -l policy-file -d 'What is acceptable, in YAML or JSON: allowed_digests, allowed_policies, min_fw_api_major, min_fw_api_minor, allowed_build_ids; where it names digests, --firmware may be left out' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -s s -l inject-secret -d 'Secret to inject after verification: luks-key:disk.key, or GUID:PATH, or a folder of keys (repeatable)' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -s m -l measurement -d 'Measurement, base64; with --report 48 bytes in hexadecimal too' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -s c -l connect -d 'URI of the hypervisor; else LIBVIRT_DEFAULT_URI' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -l format -d 'text, json; md, sarif or prometheus where help says so' -r -f -a "text\t''
json\t''
md\t''
sarif\t''
prometheus\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -l color -d 'Colour: auto, always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -l recover -d 'Destroy what launches that were cut off have left on this hypervisor, and put the definitions back'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -l no-metadata -d 'Ignore the keys in the domain\'s own metadata'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -l record -d 'Record the keys in the domain\'s metadata, in place of those there; blobs are left out'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -s i -l insecure -d 'Proceed even if the usage is insecure'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -s q -l quiet -d 'Only the answer, warnings and errors'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -s v -l verbose -d 'Say more; -vv: also what enters a measurement'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand launch" -s h -l help -d 'Print help'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand measurement" -s o -l output -d 'Write the evidence to FILE as JSON' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand measurement" -l timeout -d 'Longest wait for one answer of the hypervisor' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand measurement" -s c -l connect -d 'URI of the hypervisor; else LIBVIRT_DEFAULT_URI' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand measurement" -l format -d 'text, json; md, sarif or prometheus where help says so' -r -f -a "text\t''
json\t''
md\t''
sarif\t''
prometheus\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand measurement" -l color -d 'Colour: auto, always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand measurement" -s q -l quiet -d 'Only the answer, warnings and errors'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand measurement" -s v -l verbose -d 'Say more; -vv: also what enters a measurement'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand measurement" -s h -l help -d 'Print help'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and not __fish_seen_subcommand_from fetch verify" -s c -l connect -d 'URI of the hypervisor; else LIBVIRT_DEFAULT_URI' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and not __fish_seen_subcommand_from fetch verify" -l format -d 'text, json; md, sarif or prometheus where help says so' -r -f -a "text\t''
json\t''
md\t''
sarif\t''
prometheus\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and not __fish_seen_subcommand_from fetch verify" -l color -d 'Colour: auto, always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and not __fish_seen_subcommand_from fetch verify" -s q -l quiet -d 'Only the answer, warnings and errors'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and not __fish_seen_subcommand_from fetch verify" -s v -l verbose -d 'Say more; -vv: also what enters a measurement'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and not __fish_seen_subcommand_from fetch verify" -s h -l help -d 'Print help'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and not __fish_seen_subcommand_from fetch verify" -f -a "fetch" -d 'Reads a platform\'s certificates over libvirt'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and not __fish_seen_subcommand_from fetch verify" -f -a "verify" -d 'Shows and verifies a platform\'s certificates: PDH, PEK, OCA, CEK, ASK, ARK'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and __fish_seen_subcommand_from fetch" -s o -l output -d 'File for the chain; standard output unless given' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and __fish_seen_subcommand_from fetch" -l ca -d 'ASK and ARK of another root than AMD\'s, for a test platform' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and __fish_seen_subcommand_from fetch" -l cek -d 'The chip\'s CEK with AMD\'s signature, from a file' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and __fish_seen_subcommand_from fetch" -l cek-url -d 'Another key service, such as a mirror: the address without the chip\'s identity' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and __fish_seen_subcommand_from fetch" -l chip-id -d 'The chip\'s identity in hexadecimal, where the files do not tell it' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and __fish_seen_subcommand_from fetch" -l timeout -d 'Longest wait for one answer of the hypervisor, and for the key service' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and __fish_seen_subcommand_from fetch" -s c -l connect -d 'URI of the hypervisor; else LIBVIRT_DEFAULT_URI' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and __fish_seen_subcommand_from fetch" -l format -d 'text, json; md, sarif or prometheus where help says so' -r -f -a "text\t''
json\t''
md\t''
sarif\t''
prometheus\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and __fish_seen_subcommand_from fetch" -l color -d 'Colour: auto, always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and __fish_seen_subcommand_from fetch" -l fetch -d 'Get it from AMD\'s key service with curl, unless it is here already, and keep it'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and __fish_seen_subcommand_from fetch" -s q -l quiet -d 'Only the answer, warnings and errors'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and __fish_seen_subcommand_from fetch" -s v -l verbose -d 'Say more; -vv: also what enters a measurement'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and __fish_seen_subcommand_from fetch" -s h -l help -d 'Print help'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and __fish_seen_subcommand_from verify" -l ca -d 'ASK and ARK of another root than AMD\'s, for a test platform' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and __fish_seen_subcommand_from verify" -l cek -d 'The chip\'s CEK with AMD\'s signature, from a file' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and __fish_seen_subcommand_from verify" -l cek-url -d 'Another key service, such as a mirror: the address without the chip\'s identity' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and __fish_seen_subcommand_from verify" -l chip-id -d 'The chip\'s identity in hexadecimal, where the files do not tell it' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and __fish_seen_subcommand_from verify" -l timeout -d 'Longest wait for the key service' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and __fish_seen_subcommand_from verify" -s c -l connect -d 'URI of the hypervisor; else LIBVIRT_DEFAULT_URI' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and __fish_seen_subcommand_from verify" -l format -d 'text, json; md, sarif or prometheus where help says so' -r -f -a "text\t''
json\t''
md\t''
sarif\t''
prometheus\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and __fish_seen_subcommand_from verify" -l color -d 'Colour: auto, always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and __fish_seen_subcommand_from verify" -l fetch -d 'Get it from AMD\'s key service with curl, unless it is here already, and keep it'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and __fish_seen_subcommand_from verify" -s q -l quiet -d 'Only the answer, warnings and errors'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and __fish_seen_subcommand_from verify" -s v -l verbose -d 'Say more; -vv: also what enters a measurement'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand chain; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand session" -l chain -d 'The platform\'s certificates, in any of the forms that `chain verify` reads (repeatable)' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand session" -l policy -d 'Guest policy, hexadecimal with 0x or decimal: 0x1 for SEV, 0x5 for SEV-ES, as the keys give them' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand session" -s o -l output -d 'Folder for tek.bin and tik.bin (yours), godh.b64, session.b64 and keys.yaml (the host\'s); made if missing' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand session" -l bundle -d 'Write all that the host needs into one more file, for `launch --config FILE` there' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand session" -s f -l firmware -d 'Your copy of the firmware image: the bundle has its digest, and the host sees before the start whether it has it' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand session" -l ca -d 'ASK and ARK of another root than AMD\'s, for a test platform' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand session" -l cek -d 'The chip\'s CEK with AMD\'s signature, from a file' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand session" -l cek-url -d 'Another key service, such as a mirror: the address without the chip\'s identity' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand session" -l chip-id -d 'The chip\'s identity in hexadecimal, where the files do not tell it' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand session" -l timeout -d 'Longest wait for one answer of the hypervisor, and for the key service' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand session" -s c -l connect -d 'URI of the hypervisor; else LIBVIRT_DEFAULT_URI' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand session" -l format -d 'text, json; md, sarif or prometheus where help says so' -r -f -a "text\t''
json\t''
md\t''
sarif\t''
prometheus\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand session" -l color -d 'Colour: auto, always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand session" -s i -l insecure -d 'Proceed although the chain is not verified, or the platform is this machine'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand session" -l fetch -d 'Get it from AMD\'s key service with curl, unless it is here already, and keep it'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand session" -s q -l quiet -d 'Only the answer, warnings and errors'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand session" -s v -l verbose -d 'Say more; -vv: also what enters a measurement'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand session" -s h -l help -d 'Print help'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -s o -l domain -d 'Name, UUID or id of a paused guest on the hypervisor' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -l evidence -d 'Evidence that the host wrote: measurement, API version, build and policy come from it, and --policy must agree' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -l report -d 'Attestation report of a SEV-SNP guest, in place of a measurement; `snp report` has more checks' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -l certs -d 'Certificate of the key that signed the report, or a folder with vcek.pem and the like (repeatable)' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -l ca -d 'Root of another platform than AMD\'s that the certificate may lead to, for a test platform' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -l report-data -d 'What the SEV-SNP guest put into its report: the nonce that shows that it is fresh' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -l packet -d 'Write the encrypted secret with its header to one FILE, for `secret inject --packet`' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -l secret-header -d 'Write the secret\'s header to FILE, as virt-qemu-sev-validate does' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -l secret-payload -d 'Write the encrypted secret to FILE' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -l timeout -d 'Longest wait for one answer of the hypervisor' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -s m -l measurement -d 'Measurement, base64; with --report 48 bytes in hexadecimal too' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -l api-major -d 'SEV firmware API, major version' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -l api-minor -d 'SEV firmware API, minor version' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -l build-id -d 'SEV firmware build' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -l policy -d 'Guest policy, hexadecimal with 0x or decimal' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -s f -l firmware -d 'Firmware image' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -s k -l kernel -d 'Kernel' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -s r -l initrd -d 'Initial ram disk' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -s e -l cmdline -d 'Kernel command line, exactly as the guest gets it' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -s n -l num-cpus -d 'Number of virtual processors, for SEV-ES and SEV-SNP' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -s 0 -l vmsa-cpu0 -d 'VMSA page of the boot processor, as a file' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -s 1 -l vmsa-cpu1 -d 'VMSA page of every other processor, as a file' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -l vcpu-type -d 'Processor, as a model of QEMU and libvirt: EPYC-Milan' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -l vcpu-sig -d 'Processor, as EAX of CPUID function 1: 0xa00f11' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -l cpu-family -d 'Processor family; model and stepping too' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -l cpu-model -d 'Processor model' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -l cpu-stepping -d 'Processor stepping' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -l guest-features -d 'SEV_FEATURES of the processors, unless given 0x1 for SEV-SNP and 0 for SEV-ES' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -l legacy-vm-type -d 'Initial state of SEV-ES processors: on for KVM_SEV_INIT, off for KVM_SEV_INIT2; named as QEMU\'s property' -r -f -a "on\t''
off\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -l tik -d 'File with the TIK, 16 bytes' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -l tek -d 'File with the TEK, 16 bytes' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -l tk -d 'File with TEK and TIK, 32 bytes' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -l policy-file -d 'What is acceptable, in YAML or JSON: allowed_digests, allowed_policies, min_fw_api_major, min_fw_api_minor, allowed_build_ids; where it names digests, --firmware may be left out' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -s s -l inject-secret -d 'Secret to inject after verification: luks-key:disk.key, or GUID:PATH, or a folder of keys (repeatable)' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -s c -l connect -d 'URI of the hypervisor; else LIBVIRT_DEFAULT_URI' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -l format -d 'text, json; md, sarif or prometheus where help says so' -r -f -a "text\t''
json\t''
md\t''
sarif\t''
prometheus\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -l color -d 'Colour: auto, always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -s g -l ignore-config -d 'Do not check the guest\'s configuration'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -l json -d 'Print the answer as JSON: the same as --format json'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -s d -l debug -d 'Show debug information: the same as -vv'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -s i -l insecure -d 'Proceed even if the usage is insecure'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -s q -l quiet -d 'Only the answer, warnings and errors'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -s v -l verbose -d 'Say more; -vv: also what enters a measurement'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand verify" -s h -l help -d 'Print help'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand digest" -l mode -d 'What the guest is' -r -f -a "sev\t''
sev-es\t''
snp\t''
snp:ovmf-hash\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand digest" -s f -l firmware -d 'Firmware image' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand digest" -s k -l kernel -d 'Kernel' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand digest" -s r -l initrd -d 'Initial ram disk' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand digest" -s e -l cmdline -d 'Kernel command line, exactly as the guest gets it' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand digest" -s n -l num-cpus -d 'Number of virtual processors, for SEV-ES and SEV-SNP' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand digest" -s 0 -l vmsa-cpu0 -d 'VMSA page of the boot processor, as a file' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand digest" -s 1 -l vmsa-cpu1 -d 'VMSA page of every other processor, as a file' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand digest" -l vcpu-type -d 'Processor, as a model of QEMU and libvirt: EPYC-Milan' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand digest" -l vcpu-sig -d 'Processor, as EAX of CPUID function 1: 0xa00f11' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand digest" -l cpu-family -d 'Processor family; model and stepping too' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand digest" -l cpu-model -d 'Processor model' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand digest" -l cpu-stepping -d 'Processor stepping' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand digest" -l guest-features -d 'SEV_FEATURES of the processors, unless given 0x1 for SEV-SNP and 0 for SEV-ES' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand digest" -l legacy-vm-type -d 'Initial state of SEV-ES processors: on for KVM_SEV_INIT, off for KVM_SEV_INIT2; named as QEMU\'s property' -r -f -a "on\t''
off\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand digest" -l snp-ovmf-hash -d 'The firmware\'s part of an SEV-SNP digest, in place of hashing the image: its sections are read from it still' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand digest" -l save-vmsa -d 'Write the VMSA pages that are measured to DIR: vmsa-cpu0.bin, vmsa-cpu1.bin' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand digest" -l output-format -d 'How the digest is written' -r -f -a "hex\t''
base64\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand digest" -s c -l connect -d 'URI of the hypervisor; else LIBVIRT_DEFAULT_URI' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand digest" -l format -d 'text, json; md, sarif or prometheus where help says so' -r -f -a "text\t''
json\t''
md\t''
sarif\t''
prometheus\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand digest" -l color -d 'Colour: auto, always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand digest" -s q -l quiet -d 'Only the answer, warnings and errors'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand digest" -s v -l verbose -d 'Say more; -vv: also what enters a measurement'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand digest" -s h -l help -d 'Print help'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand firmware; and not __fish_seen_subcommand_from list inspect" -s c -l connect -d 'URI of the hypervisor; else LIBVIRT_DEFAULT_URI' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand firmware; and not __fish_seen_subcommand_from list inspect" -l format -d 'text, json; md, sarif or prometheus where help says so' -r -f -a "text\t''
json\t''
md\t''
sarif\t''
prometheus\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand firmware; and not __fish_seen_subcommand_from list inspect" -l color -d 'Colour: auto, always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand firmware; and not __fish_seen_subcommand_from list inspect" -s q -l quiet -d 'Only the answer, warnings and errors'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand firmware; and not __fish_seen_subcommand_from list inspect" -s v -l verbose -d 'Say more; -vv: also what enters a measurement'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand firmware; and not __fish_seen_subcommand_from list inspect" -s h -l help -d 'Print help'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand firmware; and not __fish_seen_subcommand_from list inspect" -f -a "list" -d 'Lists the images that QEMU\'s descriptors name, first come first: what each claims, holds and serves, and its digest'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand firmware; and not __fish_seen_subcommand_from list inspect" -f -a "inspect" -d 'Reads the GUID table of an image: what it has for SEV-ES and SEV-SNP, where a secret and the kernel hashes go'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand firmware; and __fish_seen_subcommand_from list" -l host-root -d 'Read the descriptors and images below DIR' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand firmware; and __fish_seen_subcommand_from list" -s c -l connect -d 'URI of the hypervisor; else LIBVIRT_DEFAULT_URI' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand firmware; and __fish_seen_subcommand_from list" -l format -d 'text, json; md, sarif or prometheus where help says so' -r -f -a "text\t''
json\t''
md\t''
sarif\t''
prometheus\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand firmware; and __fish_seen_subcommand_from list" -l color -d 'Colour: auto, always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand firmware; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Only the answer, warnings and errors'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand firmware; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more; -vv: also what enters a measurement'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand firmware; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand firmware; and __fish_seen_subcommand_from inspect" -s c -l connect -d 'URI of the hypervisor; else LIBVIRT_DEFAULT_URI' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand firmware; and __fish_seen_subcommand_from inspect" -l format -d 'text, json; md, sarif or prometheus where help says so' -r -f -a "text\t''
json\t''
md\t''
sarif\t''
prometheus\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand firmware; and __fish_seen_subcommand_from inspect" -l color -d 'Colour: auto, always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand firmware; and __fish_seen_subcommand_from inspect" -s q -l quiet -d 'Only the answer, warnings and errors'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand firmware; and __fish_seen_subcommand_from inspect" -s v -l verbose -d 'Say more; -vv: also what enters a measurement'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand firmware; and __fish_seen_subcommand_from inspect" -s h -l help -d 'Print help'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and not __fish_seen_subcommand_from build inject" -s c -l connect -d 'URI of the hypervisor; else LIBVIRT_DEFAULT_URI' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and not __fish_seen_subcommand_from build inject" -l format -d 'text, json; md, sarif or prometheus where help says so' -r -f -a "text\t''
json\t''
md\t''
sarif\t''
prometheus\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and not __fish_seen_subcommand_from build inject" -l color -d 'Colour: auto, always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and not __fish_seen_subcommand_from build inject" -s q -l quiet -d 'Only the answer, warnings and errors'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and not __fish_seen_subcommand_from build inject" -s v -l verbose -d 'Say more; -vv: also what enters a measurement'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and not __fish_seen_subcommand_from build inject" -s h -l help -d 'Print help'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and not __fish_seen_subcommand_from build inject" -f -a "build" -d 'Builds the packet for a measured guest: header and encrypted payload'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and not __fish_seen_subcommand_from build inject" -f -a "inject" -d 'Injects a packet into a paused guest'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and __fish_seen_subcommand_from build" -s s -l secret -d 'Secret: luks-key:disk.key, or GUID:PATH, or a folder of keys (repeatable); the table holds them in this order' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and __fish_seen_subcommand_from build" -s m -l measurement -d 'Measurement of the guest, base64' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and __fish_seen_subcommand_from build" -l tik -d 'File with the TIK, 16 bytes' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and __fish_seen_subcommand_from build" -l tek -d 'File with the TEK, 16 bytes' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and __fish_seen_subcommand_from build" -l tk -d 'File with TEK and TIK, 32 bytes' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and __fish_seen_subcommand_from build" -l packet -d 'Write the encrypted secret with its header to one FILE, for `secret inject --packet`' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and __fish_seen_subcommand_from build" -l secret-header -d 'Write the secret\'s header to FILE, as virt-qemu-sev-validate does' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and __fish_seen_subcommand_from build" -l secret-payload -d 'Write the encrypted secret to FILE' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and __fish_seen_subcommand_from build" -s c -l connect -d 'URI of the hypervisor; else LIBVIRT_DEFAULT_URI' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and __fish_seen_subcommand_from build" -l format -d 'text, json; md, sarif or prometheus where help says so' -r -f -a "text\t''
json\t''
md\t''
sarif\t''
prometheus\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and __fish_seen_subcommand_from build" -l color -d 'Colour: auto, always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and __fish_seen_subcommand_from build" -s q -l quiet -d 'Only the answer, warnings and errors'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and __fish_seen_subcommand_from build" -s v -l verbose -d 'Say more; -vv: also what enters a measurement'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and __fish_seen_subcommand_from build" -s h -l help -d 'Print help'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and __fish_seen_subcommand_from inject" -l packet -d 'File with header and encrypted secret, as `verify --packet` writes it' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and __fish_seen_subcommand_from inject" -l secret-header -d 'File with the header, as `secret build`, `verify` or virt-qemu-sev-validate writes it' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and __fish_seen_subcommand_from inject" -l secret-payload -d 'File with the encrypted secret' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and __fish_seen_subcommand_from inject" -l set-address -d 'Guest physical address, hexadecimal with 0x or decimal; the firmware\'s own place unless given' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and __fish_seen_subcommand_from inject" -l timeout -d 'Longest wait for one answer of the hypervisor' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and __fish_seen_subcommand_from inject" -s c -l connect -d 'URI of the hypervisor; else LIBVIRT_DEFAULT_URI' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and __fish_seen_subcommand_from inject" -l format -d 'text, json; md, sarif or prometheus where help says so' -r -f -a "text\t''
json\t''
md\t''
sarif\t''
prometheus\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and __fish_seen_subcommand_from inject" -l color -d 'Colour: auto, always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and __fish_seen_subcommand_from inject" -l resume -d 'Let the guest run then'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and __fish_seen_subcommand_from inject" -s q -l quiet -d 'Only the answer, warnings and errors'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and __fish_seen_subcommand_from inject" -s v -l verbose -d 'Say more; -vv: also what enters a measurement'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand secret; and __fish_seen_subcommand_from inject" -s h -l help -d 'Print help'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand hook; and not __fish_seen_subcommand_from install remove" -s c -l connect -d 'URI of the hypervisor; else LIBVIRT_DEFAULT_URI' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand hook; and not __fish_seen_subcommand_from install remove" -l format -d 'text, json; md, sarif or prometheus where help says so' -r -f -a "text\t''
json\t''
md\t''
sarif\t''
prometheus\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand hook; and not __fish_seen_subcommand_from install remove" -l color -d 'Colour: auto, always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand hook; and not __fish_seen_subcommand_from install remove" -s q -l quiet -d 'Only the answer, warnings and errors'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand hook; and not __fish_seen_subcommand_from install remove" -s v -l verbose -d 'Say more; -vv: also what enters a measurement'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand hook; and not __fish_seen_subcommand_from install remove" -s h -l help -d 'Print help'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand hook; and not __fish_seen_subcommand_from install remove" -f -a "install" -d 'Lets a hook program have its say'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand hook; and not __fish_seen_subcommand_from install remove" -f -a "remove" -d 'Takes it away again'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand hook; and __fish_seen_subcommand_from install" -l dir -d 'Folder of the hooks [default: /etc/libvirt/hooks, /usr/libexec/vdsm/hooks]' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand hook; and __fish_seen_subcommand_from install" -s c -l connect -d 'URI of the hypervisor; else LIBVIRT_DEFAULT_URI' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand hook; and __fish_seen_subcommand_from install" -l format -d 'text, json; md, sarif or prometheus where help says so' -r -f -a "text\t''
json\t''
md\t''
sarif\t''
prometheus\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand hook; and __fish_seen_subcommand_from install" -l color -d 'Colour: auto, always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand hook; and __fish_seen_subcommand_from install" -s q -l quiet -d 'Only the answer, warnings and errors'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand hook; and __fish_seen_subcommand_from install" -s v -l verbose -d 'Say more; -vv: also what enters a measurement'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand hook; and __fish_seen_subcommand_from install" -s h -l help -d 'Print help'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand hook; and __fish_seen_subcommand_from remove" -l dir -d 'Folder of the hooks [default: /etc/libvirt/hooks, /usr/libexec/vdsm/hooks]' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand hook; and __fish_seen_subcommand_from remove" -s c -l connect -d 'URI of the hypervisor; else LIBVIRT_DEFAULT_URI' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand hook; and __fish_seen_subcommand_from remove" -l format -d 'text, json; md, sarif or prometheus where help says so' -r -f -a "text\t''
json\t''
md\t''
sarif\t''
prometheus\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand hook; and __fish_seen_subcommand_from remove" -l color -d 'Colour: auto, always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand hook; and __fish_seen_subcommand_from remove" -s q -l quiet -d 'Only the answer, warnings and errors'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand hook; and __fish_seen_subcommand_from remove" -s v -l verbose -d 'Say more; -vv: also what enters a measurement'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand hook; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and not __fish_seen_subcommand_from id-block report" -s c -l connect -d 'URI of the hypervisor; else LIBVIRT_DEFAULT_URI' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and not __fish_seen_subcommand_from id-block report" -l format -d 'text, json; md, sarif or prometheus where help says so' -r -f -a "text\t''
json\t''
md\t''
sarif\t''
prometheus\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and not __fish_seen_subcommand_from id-block report" -l color -d 'Colour: auto, always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and not __fish_seen_subcommand_from id-block report" -s q -l quiet -d 'Only the answer, warnings and errors'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and not __fish_seen_subcommand_from id-block report" -s v -l verbose -d 'Say more; -vv: also what enters a measurement'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and not __fish_seen_subcommand_from id-block report" -s h -l help -d 'Print help'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and not __fish_seen_subcommand_from id-block report" -f -a "id-block" -d 'Makes and signs the ID block of a guest, ready as keys'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and not __fish_seen_subcommand_from id-block report" -f -a "report" -d 'Verifies a guest\'s attestation report'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from id-block" -l id-key -d 'Private key that signs the block: P-384 in PEM, PKCS#8 or SEC1' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from id-block" -l author-key -d 'Private key that vouches for the ID key, in the same form' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from id-block" -l launch-digest -l measurement -d 'Launch digest that the guest must have, 48 bytes: hexadecimal, base64, or @FILE' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from id-block" -l policy -d 'Guest policy, as the guest is launched with: hexadecimal with 0x or decimal' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from id-block" -l family-id -d 'The guest\'s family, 16 bytes of your own' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from id-block" -l image-id -d 'The guest\'s image, 16 bytes of your own' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from id-block" -l svn -d 'The guest\'s security version' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from id-block" -l version -d 'Version of the ID block\'s format' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from id-block" -l host-data -d 'Data for the guest\'s reports, 32 bytes; into the keys' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from id-block" -s o -l output -d 'Folder for id-block.b64, id-auth.b64 and keys.yaml; made if missing. Without it the keys are the answer' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from id-block" -s c -l connect -d 'URI of the hypervisor; else LIBVIRT_DEFAULT_URI' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from id-block" -l format -d 'text, json; md, sarif or prometheus where help says so' -r -f -a "text\t''
json\t''
md\t''
sarif\t''
prometheus\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from id-block" -l color -d 'Colour: auto, always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from id-block" -s q -l quiet -d 'Only the answer, warnings and errors'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from id-block" -s v -l verbose -d 'Say more; -vv: also what enters a measurement'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from id-block" -s h -l help -d 'Print help'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -l certs -l vcek -l vlek -l ask -l ark -d 'Certificate of the key that signed, in DER or PEM; also with ASK or ASVK and ARK; a certificate table; or a folder with vcek.pem, ask.der and the like (repeatable)' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -l ca -d 'ARK of another root than AMD\'s, with its ASK or ASVK, for a test platform' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -l at -d 'Judge the certificates\' dates for this time, such as 2026-01-31 or 2026-01-31T12:00:00Z; now unless given' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -l measurement -d 'Launch digest, 48 bytes' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -l report-data -d 'What the guest put in, up to 64 bytes, zeroes behind: the nonce that shows that the report is fresh' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -l host-data -d 'Data that was given at launch, 32 bytes' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -l id-key-digest -d 'Digest of the key that signed the ID block, 48 bytes' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -l author-key-digest -d 'Digest of the key that vouches for the ID key, 48 bytes' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -l min-tcb -d 'Lowest security versions, such as bl=9,tee=0,snp=23,ucode=72, from Turin on with fmc=1 too; any of them' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -l guest-policy -d 'Guest policy, exactly: hexadecimal with 0x or decimal' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -l vmpl -d 'Privilege level that asked for the report' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -l chip-id -d 'Chip, 64 bytes' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -s f -l firmware -d 'Firmware image' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -s k -l kernel -d 'Kernel' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -s r -l initrd -d 'Initial ram disk' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -s e -l cmdline -d 'Kernel command line, exactly as the guest gets it' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -s n -l num-cpus -d 'Number of virtual processors, for SEV-ES and SEV-SNP' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -s 0 -l vmsa-cpu0 -d 'VMSA page of the boot processor, as a file' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -s 1 -l vmsa-cpu1 -d 'VMSA page of every other processor, as a file' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -l vcpu-type -d 'Processor, as a model of QEMU and libvirt: EPYC-Milan' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -l vcpu-sig -d 'Processor, as EAX of CPUID function 1: 0xa00f11' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -l cpu-family -d 'Processor family; model and stepping too' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -l cpu-model -d 'Processor model' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -l cpu-stepping -d 'Processor stepping' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -l guest-features -d 'SEV_FEATURES of the processors, unless given 0x1 for SEV-SNP and 0 for SEV-ES' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -l legacy-vm-type -d 'Initial state of SEV-ES processors: on for KVM_SEV_INIT, off for KVM_SEV_INIT2; named as QEMU\'s property' -r -f -a "on\t''
off\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -l policy-file -d 'What is acceptable, in YAML or JSON: allowed_digests, allowed_policies, min_fw_api_major, min_fw_api_minor, allowed_build_ids' -r -F
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -s c -l connect -d 'URI of the hypervisor; else LIBVIRT_DEFAULT_URI' -r
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -l format -d 'text, json; md, sarif or prometheus where help says so' -r -f -a "text\t''
json\t''
md\t''
sarif\t''
prometheus\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -l color -d 'Colour: auto, always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -l kds-address -d 'Print the address from which the VCEK can be fetched, and stop'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -l allow-debug -d 'Take a report of a guest that its host can debug'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -s q -l quiet -d 'Only the answer, warnings and errors'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -s v -l verbose -d 'Say more; -vv: also what enters a measurement'
complete -c virt-sev -n "__fish_virt_sev_using_subcommand snp; and __fish_seen_subcommand_from report" -s h -l help -d 'Print help'
