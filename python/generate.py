"""Writes src/chortle_plugin/_gen from proto/chortle/inference/v1/inference.proto.

`make generate` runs it with the generator of requirements-generate.txt, which is the last one whose
messages load without a warning under every protobuf from 5.26 on: a model may then bring whichever
protobuf its own libraries want. It needs Python 3.10 to 3.12.
"""

import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

GENERATOR = "1.64.3"  # the lower bound of grpcio in pyproject.toml is the same

ROOT = Path(__file__).resolve().parent.parent
PROTO = "chortle/inference/v1/inference.proto"
PACKAGE = Path(__file__).resolve().parent / "src/chortle_plugin/_gen"


def main() -> None:
    """Runs the generator, and makes its absolute import of the messages a relative one."""
    if (found := version("grpcio-tools")) != GENERATOR:
        sys.exit(f"generate stubs: grpcio-tools is {found}, want {GENERATOR}; run make generate")
    with tempfile.TemporaryDirectory() as out:
        outputs = [f"--{kind}_out={out}" for kind in ("python", "pyi", "grpc_python")]
        command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT / 'proto'}", *outputs, PROTO]
        subprocess.run(command, check=True, cwd=ROOT)
        made = Path(out) / Path(PROTO).parent
        service = made / "inference_pb2_grpc.py"
        before = service.read_text()
        after = before.replace("from chortle.inference.v1 import inference_pb2", "from . import inference_pb2")
        if after == before:
            sys.exit("generate stubs: the generator writes its imports in another way; adapt python/generate.py")
        service.write_text(after)
        for file in sorted(made.iterdir()):
            shutil.copyfile(file, PACKAGE / file.name)


if __name__ == "__main__":
    main()
