"""A real SLURM of one node on the loopback address, for as long as a test needs it.

python tests/helpers/slurm.py COMMAND ...    runs a command beside such a cluster
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import mkdtemp

# cred_expire is also how long a job that was queued again waits: two minutes if nothing is said.
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol")
CONF = """\
ClusterName=farfill
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=10
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=10
JobRequeue=1
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 Boards=1 SocketsPerBoard=1 CoresPerSocket=2 \
ThreadsPerCore=1 RealMemory=16000 State=UNKNOWN
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def absent() -> str:
    """What is missing for a cluster, in words; empty if nothing."""
    missing = ", ".join(program for program in PROGRAMS if not _which(program))
    return missing and f"no {missing} here: apt-get install slurm-wlm munge"


@contextmanager
def cluster() -> Iterator[dict[str, str]]:
    """Start munged, slurmctld and slurmd with folders and ports of their own; stop these three.

    Yields:
        What a process needs in its environment to use the cluster: two processors, no GPU.

    Raises:
        RuntimeError: Programs are missing, or one of them ends or is not ready in 30 s.
    """
    if absent():
        raise RuntimeError(absent())
    root = os.getuid() == 0
    # Munge wants every folder above its socket to be nobody else's to write: not pytest's.
    folder = Path(mkdtemp(prefix="farfill-slurm-", dir="/run" if root else None))
    folder.chmod(0o755)
    environment = {"SLURM_CONF": str(folder / "slurm.conf")}
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        _munge(folder / "munge", "munge" if root else None, stack)
        for name in ("state", "spool"):
            (folder / name).mkdir()
        ports = _free_ports()
        (folder / "slurm.conf").write_text(
            CONF.format(
                host=socket.gethostname().split(".")[0],
                user="root" if root else os.environ["USER"],
                folder=folder,
                controller_port=ports[0],
                node_port=ports[1],
            )
        )
        daemons = [
            _start(stack, [_which(name), "-D"], folder, env={**os.environ, **environment})
            for name in ("slurmctld", "slurmd")
        ]

        def ready() -> bool:
            state = _says(["sinfo", "--noheader", "--format=%T"], environment)
            return state.strip() in ("idle", "mixed", "allocated")

        _wait(ready, daemons, folder)
        # Jobs end before the daemons that would end them.
        stack.callback(_end_jobs, environment)
        yield environment


def _munge(folder: Path, user: str | None, stack: ExitStack) -> None:
    """A munged with a key of its own."""
    folder.mkdir(mode=0o755)
    key = folder / "key"
    key.write_bytes(os.urandom(64))
    key.chmod(0o600)
    if user:
        for path in (folder, key):
            shutil.chown(path, user, user)
    names = ("key-file", "socket", "pid-file", "seed-file", "log-file")
    arguments = [f"--{name}={folder / name.removesuffix('-file')}" for name in names]
    process = _start(
        stack, [_which("munged"), "--foreground", *arguments], folder, user=user, group=user
    )
    _wait((folder / "socket").exists, [process], folder)


def _start(stack: ExitStack, command: list[str], folder: Path, **options: object):
    """A daemon that the stack stops."""
    output = stack.enter_context((folder / f"{Path(command[0]).name}.out").open("wb"))
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **options
    )
    stack.callback(_stop, process)
    return process


def _stop(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait(condition, daemons: list[subprocess.Popen], folder: Path) -> None:
    until = time.monotonic() + 30
    while not condition():
        ended = [daemon.args[0] for daemon in daemons if daemon.poll() is not None]
        if ended or time.monotonic() > until:
            logs = [path.read_text(errors="replace")[-2000:] for path in folder.glob("*.out")]
            raise RuntimeError(f"{ended or 'a daemon'} ended or is not ready: {' '.join(logs)}")
        time.sleep(0.2)


def _end_jobs(environment: dict[str, str]) -> None:
    """Cancel what still runs, so that no job's process stays behind."""
    jobs = _says(["squeue", "--noheader", "--format=%i"], environment).split()
    if jobs:
        _says(["scancel", "--full", *jobs], environment)
    until = time.monotonic() + 20
    while _says(["squeue", "--noheader"], environment).strip() and time.monotonic() < until:
        time.sleep(0.5)


def _says(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60
    )
    return done.stdout


def _free_ports() -> list[int]:
    """Two ports that nobody listens at now."""
    with socket.socket() as controller, socket.socket() as node:
        for listener in (controller, node):
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in (controller, node)]


def _which(program: str) -> str:
    """Where a program is; daemons lie where only root's path leads."""
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or ""


if __name__ == "__main__":
    try:
        with cluster() as added:
            status = subprocess.run(sys.argv[1:], env={**os.environ, **added}).returncode
    except RuntimeError as error:
        sys.exit(f"slurm: {error}")
    sys.exit(status)
