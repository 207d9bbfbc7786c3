package instance

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/orrery-dev/orrery/internal/durable"
)

// DefaultPort is where the API server of the first instance of a machine listens.
const DefaultPort = 6443

// Settings are what was chosen at the first start of an instance and has to stay, for what was made then relies on it.
type Settings struct {
	// Port is where the API server listens: it is in every kubeconfig.
	Port int `json:"port"`
	// Addresses are those of pods and services: they are in objects and in containers.
	Addresses Addresses `json:"addresses"`
	// Domain is the domain of the cluster: it is in tokens, in certificates and in the resolv.conf of containers. Empty means the
	// default one.
	Domain string `json:"domain,omitempty"`
	// Member is as whom the instance is one of the members of a control plane; nil where nobody has been able to join it yet.
	Member *Member `json:"member,omitempty"`
}

// Settings reads what was chosen; the zero value before the first start. What is missing or cannot be read although the instance
// was started is a DamagedError.
func (i *Instance) Settings() (Settings, error) {
	var s Settings
	data, err := os.ReadFile(i.settingsFile())
	if errors.Is(err, fs.ErrNotExist) && !i.hasData() {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err == nil && (!s.Addresses.Pods.IsValid() || !s.Addresses.Services.IsValid()) {
		err = errors.New("it names no addresses")
	}
	if err != nil {
		return Settings{}, &DamagedError{instance: i, Path: i.settingsFile(), Reason: err}
	}
	return s, nil
}

// DamagedError says that a file of the instance cannot be used, and what to do.
type DamagedError struct {
	instance *Instance
	// Path is the file's.
	Path string
	// Reason is what is wrong with it.
	Reason error
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s is damaged (%v): restore it from a copy, or give up instance %s and all that it stores with '%s'",
		e.Path, e.Reason, e.instance.Name, e.instance.Command("reset --yes"))
}

func (e *DamagedError) Unwrap() error { return e.Reason }

func (i *Instance) settingsFile() string { return i.Path("settings.json") }

// hasData says whether an API server has been here, and so whether there must have been settings. An etcd that came from elsewhere
// has neither those nor certificates of ours.
func (i *Instance) hasData() bool {
	_, err := os.Stat(i.Path("apiserver", "pki"))
	return err == nil
}

// Settle chooses what has not been chosen yet, and remembers it. The instance must be acquired.
func (i *Instance) Settle() (s Settings, err error) {
	err = i.choosing(func() (err error) {
		if s, err = i.Settings(); err != nil || s.Addresses.Pods.IsValid() {
			return err
		}
		if s.Addresses, err = i.chooseAddresses(); err != nil {
			return err
		}
		return i.save(s)
	})
	return s, err
}

// Adopt gives the instance the addresses of a cluster that it is a part of. They stay, as those that it chooses itself.
func (i *Instance) Adopt(a Addresses) error {
	s, err := i.Settings()
	if err != nil {
		return err
	}
	s.Addresses = a
	return i.save(s)
}

// SettleDomain remembers the domain of the cluster, if one is chosen. Once the instance has been started there is no other.
func (i *Instance) SettleDomain(s Settings, domain string) (Settings, error) {
	switch {
	case domain == "" || domain == s.Domain:
		return s, nil
	case i.hasData():
		return s, fmt.Errorf("--cluster-domain %s: instance %s was started with %s, which its tokens and certificates hold: leave the flag out, or start another instance with --name",
			domain, i.Name, cmp.Or(s.Domain, "the default domain"))
	}
	s.Domain = domain
	return s, i.save(s)
}

// Listen opens the port of the API server, at an address of this machine. A port of 0 means the one that the instance had, at
// first DefaultPort, or the next that is free and that no other instance of the data directory had. It is remembered in the
// settings, which must be settled.
func (i *Instance) Listen(ctx context.Context, address netip.Addr, port int) (listener net.Listener, err error) {
	err = i.choosing(func() error {
		s, err := i.Settings()
		if err != nil {
			return err
		}
		siblings, err := i.siblings()
		if err != nil {
			return err
		}
		if listener, err = listen(ctx, address, port, s.Port, siblings); err != nil {
			return err
		}
		s.Port = listener.Addr().(*net.TCPAddr).Port
		if err := i.save(s); err != nil {
			return errors.Join(err, listener.Close())
		}
		return nil
	})
	return listener, err
}

// portTries is how many ports are tried from DefaultPort on. They are no ports that the kernel gives out: an instance that comes back
// to one of those could find it in the hands of some connection.
const portTries = 100

// listen opens the chosen port, or else the remembered one, or else the first that is free, also of instances that do not run.
func listen(ctx context.Context, address netip.Addr, chosen, remembered int, siblings []Settings) (net.Listener, error) {
	open := func(port int) (net.Listener, error) {
		return new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(address.String(), strconv.Itoa(port)))
	}
	switch {
	case chosen != 0:
		listener, err := open(chosen)
		if err != nil {
			return nil, fmt.Errorf("--port %d cannot be used (%w): choose another, or leave it out", chosen, err)
		}
		return listener, nil
	case remembered != 0:
		listener, err := open(remembered)
		if err != nil {
			return nil, fmt.Errorf("port %d, which this instance had before, cannot be used (%w): free it, or choose another with --port", remembered, err)
		}
		return listener, nil
	}
	for port := DefaultPort; port < DefaultPort+portTries; port++ {
		if slices.ContainsFunc(siblings, func(s Settings) bool { return s.Port == port }) {
			continue
		}
		if listener, err := open(port); err == nil {
			return listener, nil
		}
	}
	listener, err := open(0)
	if err != nil {
		return nil, fmt.Errorf("finding a free port: %w", err)
	}
	return listener, nil
}

// choosing calls choose while no other instance of the data directory chooses: two that do so at once would choose the same.
func (i *Instance) choosing(choose func() error) error {
	dir, err := os.Open(filepath.Dir(i.Dir))
	if err == nil {
		defer func() { _ = dir.Close() }() // and with it the lock
		err = unix.Flock(int(dir.Fd()), unix.LOCK_EX)
	}
	if err != nil {
		return fmt.Errorf("waiting for other instances to choose what instance %s does not: %w", i.Name, err)
	}
	return choose()
}

// siblings are the settings of the other instances in the data directory that have any which can be read.
func (i *Instance) siblings() ([]Settings, error) {
	dataDir := filepath.Dir(i.Dir)
	entries, err := os.ReadDir(dataDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // the first instance has none
		return nil, fmt.Errorf("listing the instances beside %s: %w", i.Dir, err)
	}
	var all []Settings
	for _, entry := range entries {
		other := Instance{Name: entry.Name(), Dir: filepath.Join(dataDir, entry.Name())}
		if s, err := other.Settings(); err == nil && other.Name != i.Name && s.Addresses.Pods.IsValid() {
			all = append(all, s)
		}
	}
	return all, nil
}

// save writes the settings whole or not at all.
func (i *Instance) save(s Settings) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("writing settings: %w", err)
	}
	if err := durable.WriteFile(i.settingsFile(), append(data, '\n'), 0o600); err != nil {
		return i.cannotWrite(err)
	}
	return nil
}
