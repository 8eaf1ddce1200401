#!/usr/bin/python3
"""Plays the kernel's side of /dev/sev for one program: psp.py PLATFORM SNP COMMAND…

In: two answers in hexadecimal, as the kernel would write them (Linux include/uapi/linux/psp-sev.h); `-` for one that is
refused with EINVAL. Out: the program's exit code. Every ioctl SEV_ISSUE_CMD of the program is answered here (ptrace(2));
what it asked for is told on standard error, a line each. Never: another system call changed.
"""
import ctypes
import os
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.restype = ctypes.c_long
libc.ptrace.argtypes = [ctypes.c_long] * 4
TRACEME, GETREGS, SETREGS, SYSCALL, SETOPTIONS = 0, 12, 13, 24, 0x4200
EXITKILL, SYSGOOD = 0x100000, 1
IOCTL = 16
# _IOWR('S', 0, struct sev_issue_cmd): u32 cmd, u64 data, u32 error, packed.
ISSUE, COMMAND = 0xC0105300, "<IQI"
EINVAL = 22
# The places of these in struct user_regs_struct of x86-64.
RAX, RSI, RDX, ORIG_RAX = 10, 13, 12, 15


def ptrace(request, pid, address=0, data=0):
    if libc.ptrace(request, pid, address, data) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")


def registers(pid):
    block = (ctypes.c_ulonglong * 27)()
    ptrace(GETREGS, pid, 0, ctypes.addressof(block))
    return block


def answer(pid, block, answers):
    """The command's answer in the program's memory; 0 or an error number."""
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        memory.seek(block[RDX])
        command, data, _ = struct.unpack(COMMAND, memory.read(struct.calcsize(COMMAND)))
        print(f"psp: command {command}", file=sys.stderr)
        reply = answers.get(command)
        if reply is None:
            return EINVAL
        memory.seek(data)
        memory.write(reply)
        return 0


def main():
    answers = {n: bytes.fromhex(text) for n, text in zip((1, 9), sys.argv[1:3]) if text != "-"}
    pid = os.fork()
    if pid == 0:
        ptrace(TRACEME, 0)
        os.execvp(sys.argv[3], sys.argv[3:])
    os.waitpid(pid, 0)
    ptrace(SETOPTIONS, pid, 0, EXITKILL | SYSGOOD)
    result, entering, signal = None, True, 0
    while True:
        ptrace(SYSCALL, pid, 0, signal)
        _, status = os.waitpid(pid, 0)
        if os.WIFEXITED(status) or os.WIFSIGNALED(status):
            return os.waitstatus_to_exitcode(status)
        signal = os.WSTOPSIG(status)
        if signal != 0x85:  # SIGTRAP of a system call
            continue
        signal = 0
        block = registers(pid)
        if entering and block[ORIG_RAX] == IOCTL and block[RSI] & 0xFFFFFFFF == ISSUE:
            result = answer(pid, block, answers)
            # No such system call: the kernel does nothing.
            block[ORIG_RAX] = 0xFFFFFFFFFFFFFFFF
            ptrace(SETREGS, pid, 0, ctypes.addressof(block))
        elif not entering and result is not None:
            block[RAX] = -result & 0xFFFFFFFFFFFFFFFF
            ptrace(SETREGS, pid, 0, ctypes.addressof(block))
            result = None
        entering = not entering


sys.exit(main())
