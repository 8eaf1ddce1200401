"""Calls a sidecar as virt-launcher does (KubeVirt, pkg/hooks/manager.go), with Google's gRPC and messages that protoc made.
In: the folder of those modules, a socket, a command. Out: the answer on standard output; a status' code and text on standard
error, and then exit code 1."""

import importlib
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc


def call(channel, version, method, timeout=60, **fields):
    messages = importlib.import_module(f"{version}_pb2")
    service = "Info" if version == "info" else "Callbacks"
    result = getattr(messages, method + "Result")
    stub = channel.unary_unary(
        f"/kubevirt.hooks.{version}.{service}/{method}",
        request_serializer=lambda m: m.SerializeToString(),
        response_deserializer=result.FromString,
    )
    return stub(getattr(messages, method + "Params")(**fields), timeout=timeout)


def connect(socket):
    channel = grpc.insecure_channel("unix:" + socket, options=[("grpc.default_authority", "localhost")])
    grpc.channel_ready_future(channel).result(timeout=10)
    return channel


def read(path):
    with open(path, "rb") as file:
        return file.read()


def main(socket, command, *rest):
    out = sys.stdout.buffer
    if command == "define-many":
        version, vmi, domain = rest[0], read(rest[1]), read(rest[2])
        channels = [connect(socket) for _ in range(4)]
        with ThreadPoolExecutor(16) as pool:
            answers = pool.map(
                lambda n: call(channels[n % 4], version, "OnDefineDomain", domainXML=domain, vmi=vmi).domainXML, range(64)
            )
            answers = set(answers)
        assert len(answers) == 1, len(answers)
        out.write(answers.pop())
        return
    with connect(socket) as channel:
        if command == "info":
            info = call(channel, "info", "Info", timeout=1)
            points = [[p.name, p.priority] for p in info.hookPoints]
            out.write(json.dumps([info.name, points, list(info.versions)]).encode())
        elif command == "define":
            version, vmi, domain = rest[0], read(rest[1]), read(rest[2])
            out.write(call(channel, version, "OnDefineDomain", domainXML=domain, vmi=vmi).domainXML)
        elif command == "cloud-init":
            result = call(channel, rest[0], "PreCloudInitIso", cloudInitNoCloudSource=b"a", vmi=b"{}", cloudInitData=b"b")
            out.write(result.cloudInitNoCloudSource + result.cloudInitData)
        elif command == "shutdown":
            call(channel, "v1alpha3", "Shutdown")
        elif command == "unknown":
            stub = channel.unary_unary(rest[0])
            stub(b"", timeout=5)
        elif command == "rubbish":
            channel.unary_unary("/kubevirt.hooks.v1alpha3.Callbacks/OnDefineDomain")(b"\x0a\xff\xff", timeout=5)


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    try:
        main(*sys.argv[2:])
    except grpc.RpcError as e:
        sys.exit(f"{e.code().name}: {e.details()}")
