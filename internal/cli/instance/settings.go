package instance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strconv"
)

// DefaultPort is where the API server of the first instance of a machine listens.
const DefaultPort = 6443

// Settings are what was chosen at the first start of an instance and has to stay, for what was made then relies on it.
type Settings struct {
	// Port is where the API server listens: it is in every kubeconfig.
	Port int `json:"port"`
	// Addresses are those of pods and services: they are in objects and in containers.
	Addresses Addresses `json:"addresses"`
}

// Settings reads what was chosen; the zero value before the first start.
func (i *Instance) Settings() (Settings, error) {
	var s Settings
	data, err := os.ReadFile(i.Path("settings.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err != nil {
		return s, fmt.Errorf("reading %s: %w", i.Path("settings.json"), err)
	}
	return s, nil
}

// Settle chooses what has not been chosen yet, and remembers it. The instance must be acquired.
func (i *Instance) Settle() (Settings, error) {
	s, err := i.Settings()
	if err != nil || s.Addresses.Pods.IsValid() {
		return s, err
	}
	if s.Addresses, err = i.chooseAddresses(); err != nil {
		return s, err
	}
	return s, i.save(s)
}

// Listen opens the port of the API server, at an address of this machine. A port of 0 means the one that the instance had, at
// first DefaultPort or any other that is free. It is remembered in the settings, which must be settled.
func (i *Instance) Listen(ctx context.Context, address netip.Addr, port int) (net.Listener, error) {
	s, err := i.Settings()
	if err != nil {
		return nil, err
	}
	listener, err := listen(ctx, address, port, s.Port)
	if err != nil {
		return nil, err
	}
	s.Port = listener.Addr().(*net.TCPAddr).Port
	if err := i.save(s); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return listener, nil
}

// listen opens the chosen port, or else the remembered one, or else the first that is free.
func listen(ctx context.Context, address netip.Addr, chosen, remembered int) (net.Listener, error) {
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
	if listener, err := open(DefaultPort); err == nil {
		return listener, nil
	}
	listener, err := open(0)
	if err != nil {
		return nil, fmt.Errorf("finding a free port: %w", err)
	}
	return listener, nil
}

func (i *Instance) save(s Settings) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("writing settings: %w", err)
	}
	if err := os.WriteFile(i.Path("settings.json"), append(data, '\n'), 0o600); err != nil {
		return i.cannotWrite(err)
	}
	return nil
}
