"""Boots a kernel under qemu, without KVM and without root, with this machine's files as a read-only layer.

The guest's root is a tmpfs overlay above this machine's root (9p), so it has the same tools; it writes to one shared
folder alone. The one command ends with its exit code in the file `rc`: without it, the machine died.
"""

from __future__ import annotations

import lzma
import shlex
import shutil
import struct
import subprocess
from pathlib import Path

from lvsgen.lab.kernel import CannotPlay, Kernel, tool

_DRIVERS = ("virtio_pci", "9pnet_virtio", "9p", "overlay")

_INIT = r"""#!/bin/busybox sh
b=/bin/busybox
$b mkdir -p /proc /dev /lower /layer /new
$b mount -t proc proc /proc
$b mount -t devtmpfs dev /dev
while read -r module; do $b insmod "/modules/$module"; done </order
for _ in 1 2 3 4 5 6 7 8 9 10; do
    $b mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose root /lower && break
    $b sleep 0.1
done
$b mount -t tmpfs layer /layer
$b mkdir /layer/upper /layer/work
$b mount -t overlay overlay -o lowerdir=/lower,upperdir=/layer/upper,workdir=/layer/work /new
. /facts
$b mount -t proc proc /new/proc
$b mount -t sysfs sys /new/sys
$b mount -t tmpfs run /new/run
$b mount --move /dev /new/dev
$b mkdir -p /new/dev/pts /new/dev/shm /new/run/lock "/new$SHARED" "/new/lib/modules/$RELEASE"
$b mount -t devpts pts /new/dev/pts
$b mount -t tmpfs shm /new/dev/shm
$b mount --bind "/new$MODULES" "/new/lib/modules/$RELEASE"
$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000 shared "/new$SHARED"
$b cat >/new/run/main <<END
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/ LC_ALL=C
$COMMAND >'$OUT/log' 2>&1 </dev/null
echo \$? >'$OUT/rc'
sync
echo o >/proc/sysrq-trigger
sleep 9
END
exec $b switch_root /new /bin/sh /run/main
"""


_PARAMETERS = (
    "console=ttyS0 panic=-1 quiet mitigations=off nokaslr norandmaps audit=0 apparmor=0 "
    "init_on_alloc=0 clearcpuid=rep_good transparent_hugepage=never hardened_usercopy=off cgroup_disable=memory "
    "randomize_kstack_offset=off rcupdate.rcu_expedited=1"
)
"""Without `norandmaps`, every program lies at other addresses each time, and qemu translates its code and that of its
libraries anew: starting one costs three times as much.

The second and third line save about a tenth of what is left, most of which is memory: an emulated processor is slow
where a real one is fast, at instructions that repeat (`rep stos`, which the kernel takes where they are `rep_good`).
Nobody asks it to clear and count so much. With an expedited RCU a namespace or a device goes at once.
"""

_PROCESSOR = "max,-avx,-avx2,-erms,-fsrm,-la57,-smap"
"""Without what programs and the kernel prefer where they find it and what is slow here: AVX, `rep movsb`, a fifth level
of page tables, and SMAP, for which each access of the kernel to a program's memory is looked up twice.

The clock is left alone: with `tsc=reliable` nothing finds out that it was measured wrongly at the start, on a busy
machine, and time in there goes several times as fast.
"""


def boot(
    kernel: Kernel, command: str, shared: Path, out: Path, *, processors: int, megabytes: int = 1024
) -> subprocess.Popen[bytes]:
    """Start the machine; it powers itself off after `command`, a shell line.

    It writes to `shared`, where others may do so as well; its console, log and exit code are in `out`, a folder in it.
    """
    initrd = _initial_files(kernel, command, shared, out)
    words = [
        tool("qemu-system-x86_64"),
        *("-M", "q35", "-accel", "tcg,thread=multi", "-cpu", _PROCESSOR),
        *("-m", f"{megabytes}M", "-smp", str(processors)),
        *("-nodefaults", "-no-user-config", "-display", "none", "-serial", f"file:{out}/console", "-no-reboot"),
        *("-kernel", str(kernel.image), "-initrd", str(initrd)),
        *("-append", _PARAMETERS),
        *("-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap"),
        *("-device", "virtio-9p-pci,fsdev=root,mount_tag=root"),
        *("-fsdev", f"local,id=shared,path={shared},security_model=none"),
        *("-device", "virtio-9p-pci,fsdev=shared,mount_tag=shared"),
    ]
    with open(out / "qemu", "wb") as said:
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=said, stderr=said)


def _initial_files(kernel: Kernel, command: str, shared: Path, out: Path) -> Path:
    """The initramfs: busybox, the modules that reach the shared folders, and what the first process must know."""
    top = out / "initramfs"
    for name in ("bin", "modules"):
        (top / name).mkdir(parents=True)
    busybox = Path(tool("busybox")).read_bytes()
    if _needs_libraries(busybox):
        raise CannotPlay("busybox needs shared libraries, which nothing has yet; install the package busybox-static")
    (top / "bin/busybox").write_bytes(busybox)
    (top / "bin/busybox").chmod(0o755)
    (top / "init").write_text(_INIT)
    (top / "init").chmod(0o755)
    order = []
    for path in _driver_files(kernel):
        name = path.name.removesuffix(".xz")
        data = path.read_bytes()
        (top / "modules" / name).write_bytes(lzma.decompress(data) if path.suffix == ".xz" else data)
        order.append(name)
    (top / "order").write_text("".join(f"{name}\n" for name in order))
    facts = {"SHARED": str(shared), "OUT": str(out), "RELEASE": kernel.release}
    facts |= {"MODULES": str(kernel.modules), "COMMAND": command}
    (top / "facts").write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in facts.items()))
    names = sorted(str(path.relative_to(top)) for path in top.rglob("*"))
    initrd = out / "initrd"
    with open(initrd, "wb") as archive:
        packed = subprocess.run(
            [tool("cpio"), "-o", "-H", "newc", "--quiet"],
            cwd=top,
            check=False,
            input="\n".join(names).encode(),
            stdout=archive,
            stderr=subprocess.PIPE,
        )
    shutil.rmtree(top)
    if packed.returncode:
        raise CannotPlay(f"cpio fails: {packed.stderr.decode(errors='replace').strip()}")
    return initrd


def _needs_libraries(program: bytes) -> bool:
    """Whether an ELF file names an interpreter, the dynamic loader (elf(5), PT_INTERP)."""
    offset, size, count = *struct.unpack_from("<Q", program, 32), *struct.unpack_from("<HH", program, 54)
    return any(struct.unpack_from("<I", program, offset + n * size)[0] == 3 for n in range(count))


def _driver_files(kernel: Kernel) -> list[Path]:
    found: dict[str, None] = {}
    for name in _DRIVERS:
        command = [tool("modprobe"), "-d", str(kernel.folder), "-S", kernel.release, "--show-depends", name]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            raise CannotPlay(f"the kernel {kernel.release} has no module {name}: {done.stderr.strip()}")
        found |= {line.split()[1]: None for line in done.stdout.splitlines() if line.startswith("insmod ")}
    return [Path(path) for path in found]
