package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// debian is a root of Debian 12 of its own for one test, without network. Only root can make one; make dist-test fetches
// what it is copied from.
type debian struct {
	*testing.T
	dir string
}

func newDebian(t *testing.T) *debian {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can install packages into a root of its own")
	}
	base, err := filepath.Abs(filepath.Join("..", "..", "build", "dist", "roots", "bookworm"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(base, "usr/bin/dpkg")); err != nil {
		t.Skip("there is no minimal Debian in build/dist/roots/bookworm: make dist-test fetches it by debootstrap")
	}
	d := &debian{t, filepath.Join(t.TempDir(), "root")}
	if out, err := exec.Command("cp", "-a", "--reflink=auto", base, d.dir).CombinedOutput(); err != nil {
		t.Fatalf("copy %s: %v: %s", base, err, out)
	}
	return d
}

// run runs a script in the root, with processes and a network of its own, which reaches nobody.
func (d *debian) run(script string) (string, error) {
	command := exec.CommandContext(d.Context(), "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", `
		mount -t proc proc "$1/proc"; mount -t sysfs -o ro sys "$1/sys"; mount --bind /dev "$1/dev"
		exec chroot "$1" /bin/sh -ec "$2"`, "sh", d.dir, script)
	command.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"}
	out, err := command.CombinedOutput()
	return string(out), err
}

func (d *debian) must(script string) string {
	d.Helper()
	out, err := d.run(script)
	if err != nil {
		d.Fatalf("%s: %v\n%s", script, err, out)
	}
	return out
}

// put copies a file into /tmp of the root.
func (d *debian) put(path string) string {
	d.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		d.Fatal(err)
	}
	to := "/tmp/" + filepath.Base(path)
	if err := os.WriteFile(filepath.Join(d.dir, to), content, 0o755); err != nil {
		d.Fatal(err)
	}
	return to
}

// releases that several tests install, by version.
var releases = map[string]*release{}

// built is a release for this machine; tests that use it do not run side by side.
func built(t *testing.T, named string) *release {
	t.Helper()
	if releases[named] == nil {
		releases[named] = build(t, named)
	}
	return releases[named]
}

func build(t *testing.T, named string) *release {
	t.Helper()
	r := checkout(t, named)
	if r.out = filepath.Join(made, fmt.Sprint(named, "-", len(releases))); os.Mkdir(r.out, 0o700) != nil {
		r.out = t.TempDir()
	}
	if _, err := r.machine(t.Context(), runtime.GOARCH, false); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *release) one(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(r.out, pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%d files match %s, want 1", len(found), pattern)
	}
	return found[0]
}

// Two builds of one commit are the same, byte for byte.
func TestPackagesAreReproducible(t *testing.T) {
	first, second := built(t, "v9.1.0"), build(t, "v9.1.0")
	for _, r := range []*release{first, second} {
		if err := r.checksums(""); err != nil {
			t.Fatal(err)
		}
	}
	one, err := os.ReadFile(filepath.Join(first.out, sumsFile))
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile(filepath.Join(second.out, sumsFile))
	if err != nil || string(one) != string(other) || strings.Count(string(one), "\n") != 4 {
		t.Errorf("two builds differ (%v):\n%s\n%s", err, one, other)
	}
}

func TestDebianPackage(t *testing.T) {
	d := newDebian(t)
	old, fresh := d.put(built(t, "v9.1.0").one(t, "*.deb")), d.put(built(t, "v9.2.0").one(t, "*.deb"))

	// Installed without network: it is complete, it starts nothing, and only root can change what root and the loader believe.
	out := d.must("dpkg -i " + old)
	if !strings.Contains(out, "new secret key") || !strings.Contains(out, "systemctl enable --now chortle.timer") {
		t.Errorf("installed:\n%s", out)
	}
	out = d.must(`stat -c '%U:%G %a %n' /etc/chortle /etc/chortle/.env /var/lib/chortle /usr/lib/chortle/lib/libtensorflowlite_c.so /usr/bin/inferd
		find / -xdev \( -user chortle -o -group chortle \) -not -path '/proc/*' | sort`)
	for _, want := range []string{"root:chortle 750 /etc/chortle\n", "root:chortle 640 /etc/chortle/.env\n", "chortle:chortle 700 /var/lib/chortle\n",
		"root:root 644 /usr/lib/chortle/lib/libtensorflowlite_c.so\n", "root:root 755 /usr/bin/inferd\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	if strings.Count(out, "/etc/chortle") != 4 || strings.Count(out, "\n") != 8 {
		t.Errorf("more belongs to the service than its data and its settings:\n%s", out)
	}
	const as = `su -s /bin/sh chortle -c `
	out = d.must(as + `"orchestrator setup --check --without-ffmpeg"`)
	if strings.Count(out, "/usr/lib/chortle/") != 3 {
		t.Errorf("set up:\n%s", out)
	}
	d.must(as + `"orchestrator user add alice --timezone Europe/London --source folder:/srv/alice"; mkdir -p /srv/alice; echo CHORTLE_THRESHOLD=0.33 >>/etc/chortle/.env`)
	out = d.must(as + `"orchestrator doctor" || true; man -w orchestrator 2>/dev/null || ls /usr/share/man/man1/orchestrator.1.gz /usr/share/bash-completion/completions/orchestrator`)
	for _, want := range []string{"0 errors", "CHORTLE_THRESHOLD", "0.33"} {
		if !strings.Contains(out, want) {
			t.Errorf("doctor does not say %q:\n%s", want, out)
		}
	}

	// An upgrade keeps settings and data, and what runs goes on.
	out = d.must(`cp /etc/chortle/.env /tmp/settings; inferd serve --listen 127.0.0.1:7070 >/tmp/inferd.log 2>&1 & running=$!
		until grep -q . /tmp/inferd.log; do :; done
		dpkg -i ` + fresh + `
		kill -0 $running && readlink /proc/$running/exe
		kill $running; cmp /etc/chortle/.env /tmp/settings && echo the same settings
		` + as + `"orchestrator user list; orchestrator version"`)
	for _, want := range []string{"/usr/bin/inferd", "the same settings", "alice", "v9.2.0", "kept /etc/chortle/.env"} {
		if !strings.Contains(out, want) {
			t.Errorf("upgraded: no %q in:\n%s", want, out)
		}
	}

	// Removed, it keeps both; installed again, it goes on with them.
	out = d.must(`dpkg -r chortle; ls /usr/lib/chortle /usr/bin/orchestrator 2>&1 || true; ls -A /etc/chortle /var/lib/chortle; dpkg -i ` + fresh + `; ` + as + `"orchestrator user list"`)
	if strings.Count(out, "No such file") != 2 || !strings.Contains(out, "chortle.db") || !strings.Contains(out, "alice") {
		t.Errorf("removed and installed again:\n%s", out)
	}

	// Purged where nobody can be asked, it still keeps them; told to, it deletes them with the user.
	out = d.must(`dpkg -P chortle; ls -A /etc/chortle /var/lib/chortle`)
	if !strings.Contains(out, ".env") || !strings.Contains(out, "chortle.db") || !strings.Contains(out, "kept the settings") {
		t.Errorf("purged without an answer:\n%s", out)
	}
	out = d.must(`dpkg -i ` + fresh + `; echo 'chortle chortle/delete-data boolean true' | debconf-set-selections; dpkg -P chortle
		ls -d /etc/chortle /var/lib/chortle 2>&1 || true; getent passwd chortle || echo no user`)
	if strings.Count(out, "No such file") != 2 || !strings.Contains(out, "no user") {
		t.Errorf("purged with all data:\n%s", out)
	}
}

// settle refuses what would lead root's writes elsewhere.
func TestSettleFollowsNoLink(t *testing.T) {
	d := newDebian(t)
	settle := d.put(filepath.Join("..", "..", "scripts", "package", "settle"))
	for name, prepare := range map[string]string{
		"settings":    `ln -s /root/private /etc/chortle/.env`,
		"hard link":   `ln /root/private /etc/chortle/.env`,
		"folder":      `rm -rf /etc/chortle; ln -s /root /etc/chortle`,
		"data folder": `rm -rf /var/lib/chortle; ln -s /root /var/lib/chortle`,
	} {
		out := d.must(fmt.Sprintf(`%s >/dev/null; echo private >/root/private; chmod 600 /root/private; rm -f /etc/chortle/.env; %s
			%s && echo went on; stat -c '%%U:%%G %%a' /root/private /root; cat /root/private
			rm -rf /etc/chortle /var/lib/chortle`, settle, prepare, settle))
		if strings.Contains(out, "went on") || !strings.Contains(out, "root:root 600\nroot:root 700\nprivate\n") || !strings.Contains(out, "settle: ") {
			t.Errorf("%s:\n%s", name, out)
		}
	}
}

func TestArchiveInstallsAndUninstalls(t *testing.T) {
	d := newDebian(t)
	archive := d.put(built(t, "v9.1.0").one(t, "*.tar.gz"))
	out := d.must(`cd /tmp && tar -xzf ` + archive + ` && chortle-9.1.0-linux-*/install
		su -s /bin/sh chortle -c "orchestrator setup --check --without-ffmpeg; orchestrator user add alice --timezone UTC --source folder:/srv/alice"
		stat -c '%U:%G %a' /etc/chortle/.env /usr/local/lib/chortle/models/yamnet.tflite; grep ExecStart= chortle-9.1.0-linux-*/lib/systemd/system/chortle.service`)
	for _, want := range []string{"/etc/cron.d/chortle", "/usr/local/lib/chortle/models/yamnet.tflite", "root:chortle 640\nroot:root 755", "ExecStart=/usr/local/bin/orchestrator"} {
		if !strings.Contains(out, want) {
			t.Errorf("installed: no %q in:\n%s", want, out)
		}
	}
	out = d.must(`cd /tmp/chortle-9.1.0-linux-*; ./install uninstall; ls -A /etc/chortle /var/lib/chortle; ls /usr/local/bin /usr/local/lib
		echo no | ./install uninstall --purge || echo refused; ls /etc/chortle/.env
		echo delete | ./install uninstall --purge; ls -d /etc/chortle /var/lib/chortle 2>&1 || true`)
	for _, want := range []string{"kept the settings", "chortle.db", "refused", "/etc/chortle/.env", "deleted settings and data", "No such file"} {
		if !strings.Contains(out, want) {
			t.Errorf("uninstalled: no %q in:\n%s", want, out)
		}
	}
	if strings.Contains(out, "\norchestrator\n") {
		t.Errorf("a program is left:\n%s", out)
	}
}
