#!/bin/sh
# Guests of CloudStack, made right for SEV before the agent starts them. In: a method and a domain, as the agent gives them
# (LibvirtKvmAgentHook.java). Out: the domain; one without keys in its metadata as it came.
#
# The agent reads standard error too, and where this fails it starts the guest unchanged. So this does not fail: a refusal is
# printed in place of the domain, which libvirt cannot read, and which it repeats to whoever starts the guest.
case $1:$2 in
transform:*urn:virt-sev:config:1*) ;;
*)
    printf %s "$2"
    exit
    ;;
esac
# What the shell itself has to say is not for the agent either.
exec 3>&1 2>/dev/null
why=$(printf %s "$2" | virt-sev apply -q - 2>&1 >&3) ||
    printf 'not started: exit code %s: %s\n' "$?" "$(printf %s "$why" | tr '\n' ' ')"
