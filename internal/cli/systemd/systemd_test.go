package systemd

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func unit(containers bool) Unit {
	return Unit{
		Name: "orrery", Description: "Orrery control plane", Program: "/usr/local/bin/orrery",
		Args: []string{"up", "--foreground", "--data-dir=/var/lib/orrery"}, DataDir: "/var/lib/orrery", Containers: containers,
	}
}

func TestAUnitSaysHowTheProgramIsRun(t *testing.T) {
	for name, containers := range map[string]bool{"with containers": true, "without containers": false} {
		t.Run(name, func(t *testing.T) {
			text := unit(containers).String()
			for _, want := range []string{
				"\nType=notify\n", "\nRestart=on-failure\n", "\nWantedBy=multi-user.target\n",
				"\nExecStart=/usr/local/bin/orrery up --foreground --data-dir=/var/lib/orrery\n",
			} {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not in\n%s", want, text)
				}
			}
			// What containers would inherit.
			for _, taken := range []string{"NoNewPrivileges=", "CapabilityBoundingSet=", "SystemCallFilter=", "ProtectSystem=", "PrivateTmp=", "PrivateDevices=", "UMask="} {
				if strings.Contains(text, "\n"+taken) == containers {
					t.Errorf("%s stands in it: %v, in\n%s", taken, containers, text)
				}
			}
		})
	}
}

func TestOnlyALowPortNeedsACapability(t *testing.T) {
	u := unit(false)
	u.LowPort = true
	if !strings.Contains(u.String(), "\nCapabilityBoundingSet=CAP_NET_BIND_SERVICE\n") {
		t.Error("a low port is not allowed")
	}
	if !strings.Contains(unit(false).String(), "\nCapabilityBoundingSet=\n") {
		t.Error("capabilities are left to who needs none")
	}
}

func TestWordsReachTheProgramAsTheyAre(t *testing.T) {
	for word, want := range map[string]string{
		"--nodes=3":         "--nodes=3",
		"":                  `""`,
		"--name=a b":        `"--name=a b"`,
		"100%":              "100%%",
		"$HOME":             "$$HOME",
		`say "it"`:          `"say \"it\""`,
		`C:\dir`:            `"C:\\dir"`,
		"two\nlines":        `"two\nlines"`,
		"--tls-san=*.a.org": "--tls-san=*.a.org",
		"a;b":               `"a;b"`,
	} {
		if got := quote(word); got != want {
			t.Errorf("%q is written %s, want %s", word, got, want)
		}
	}
}

func TestSystemdUnderstandsTheUnit(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze here")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, containers := range []bool{true, false} {
		u := unit(containers)
		u.Program, u.Args, u.DataDir = program, append(u.Args, "--audit-policy=/etc/a b%c$d.yaml"), "/var/lib/an orrery"
		path := filepath.Join(t.TempDir(), u.File())
		if err := os.WriteFile(path, []byte(u.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		said, err := exec.Command(analyze, "verify", "--man=no", path).CombinedOutput()
		if err != nil || strings.Contains(string(said), u.File()+":") {
			t.Errorf("with containers %v: %v\n%s\n%s", containers, err, said, u)
		}
	}
}

func TestSystemdIsToldOnceAndByNobodyElse(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	listener, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }() // the test is over
	t.Setenv(socketVariable, socket)
	notifier := TakeNotifier()
	if left, ok := os.LookupEnv(socketVariable); ok {
		t.Errorf("the environment still names %s", left)
	}
	if err := notifier.Ready(); err != nil {
		t.Fatal(err)
	}
	heard := make([]byte, 64)
	if n, err := listener.Read(heard); err != nil || string(heard[:n]) != "READY=1" {
		t.Errorf("systemd hears %q (%v), want READY=1", heard[:n], err)
	}
	if err := TakeNotifier().Ready(); err != nil {
		t.Errorf("where nobody waits: %v", err)
	}
}

func TestWhereSystemdIsNotProcessOneNothingIsWritten(t *testing.T) {
	m := &Manager{units: t.TempDir(), running: filepath.Join(t.TempDir(), "none")}
	_, uninstall := m.Uninstall(t.Context(), unit(true))
	_, state := m.State(t.Context(), unit(true))
	for what, err := range map[string]error{"install": m.Install(t.Context(), unit(true)), "uninstall": uninstall, "state": state} {
		if !errors.Is(err, ErrNotInit) {
			t.Errorf("%s: got %v, want ErrNotInit", what, err)
		}
	}
	if files, err := os.ReadDir(m.units); err != nil || len(files) > 0 {
		t.Errorf("there are %v (%v)", files, err)
	}
}

func TestStateOfAUnit(t *testing.T) {
	got := parseState("LoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\nStateChangeTimestamp=Mon 2026-11-30 06:00:00 UTC\n")
	if want := (State{Load: "loaded", Enabled: "enabled", Active: "active", Sub: "running", Since: "Mon 2026-11-30 06:00:00 UTC"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
