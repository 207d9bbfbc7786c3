package shutdown

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	logindName   = "org.freedesktop.login1"
	logindPath   = dbus.ObjectPath("/org/freedesktop/login1")
	logindAPI    = "org.freedesktop.login1.Manager"
	systemdName  = "org.freedesktop.systemd1"
	systemdPath  = dbus.ObjectPath("/org/freedesktop/systemd1")
	systemdAPI   = "org.freedesktop.systemd1.Manager"
	aboutToGo    = "PrepareForShutdown"
	unknownName  = "org.freedesktop.DBus.Error.ServiceUnknown"
	unownedName  = "org.freedesktop.DBus.Error.NameHasNoOwner"
	dropInDir    = "/run/systemd/logind.conf.d" // which is gone when the machine starts again
	dropInFile   = "99-orrery.conf"
	dropInFormat = "# How long the pods of this node may hold a shutdown back. Written by its node agent.\n[Login]\nInhibitDelayMaxSec=%.0f\n"
)

// Logind is systemd's logind, over D-Bus.
type Logind struct {
	// Address is that of the bus; the system's if empty.
	Address string
	// DropIns is the directory of what is said beside logind.conf; the system's if empty.
	DropIns string
}

// Connect is Options.Connect.
func (l Logind) Connect(ctx context.Context) (Inhibitor, error) {
	connection, err := l.dial(ctx)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, fmt.Errorf("%w: %w", ErrNone, err)
	}
	if err != nil {
		return nil, fmt.Errorf("connecting to the system's bus: %w", err)
	}
	b := &bus{Logind: l, connection: connection}
	if _, err := b.Delay(ctx); unknown(err) {
		return nil, errors.Join(fmt.Errorf("%w: %w", ErrNone, err), connection.Close())
	}
	return b, nil
}

func (l Logind) dial(ctx context.Context) (*dbus.Conn, error) {
	if l.Address == "" {
		return dbus.ConnectSystemBus(dbus.WithContext(ctx))
	}
	return dbus.Connect(l.Address, dbus.WithContext(ctx))
}

// unknown says whether nobody on the bus is logind.
func unknown(err error) bool {
	var answer dbus.Error
	return errors.As(err, &answer) && (answer.Name == unknownName || answer.Name == unownedName)
}

// bus is a connection to logind.
type bus struct {
	Logind
	connection *dbus.Conn
}

var _ Inhibitor = (*bus)(nil)

func (b *bus) logind() dbus.BusObject { return b.connection.Object(logindName, logindPath) }

// Delay implements Inhibitor.
func (b *bus) Delay(ctx context.Context) (time.Duration, error) {
	var microseconds dbus.Variant
	err := b.logind().CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", 0, logindAPI, "InhibitDelayMaxUSec").Store(&microseconds)
	if err != nil {
		return 0, fmt.Errorf("reading InhibitDelayMaxUSec of logind: %w", err)
	}
	delay, ok := microseconds.Value().(uint64)
	if !ok {
		return 0, fmt.Errorf("reading InhibitDelayMaxUSec of logind: it is %s", microseconds)
	}
	return time.Duration(delay) * time.Microsecond, nil
}

// RaiseDelay implements Inhibitor: it says so in a file, and has logind read its files again.
func (b *bus) RaiseDelay(ctx context.Context, d time.Duration) error {
	dir := b.DropIns
	if dir == "" {
		dir = dropInDir
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // everybody may read how the system is configured
		return fmt.Errorf("making the directory of logind's configuration: %w", err)
	}
	text := fmt.Sprintf(dropInFormat, d.Seconds())
	if err := os.WriteFile(filepath.Join(dir, dropInFile), []byte(text), 0o644); err != nil { //nolint:gosec // as above
		return fmt.Errorf("writing the configuration of logind: %w", err)
	}
	systemd := b.connection.Object(systemdName, systemdPath)
	call := systemd.CallWithContext(ctx, systemdAPI+".KillUnit", 0, "systemd-logind.service", "all", int32(syscall.SIGHUP))
	if call.Err != nil {
		return fmt.Errorf("having logind read its configuration again: %w", call.Err)
	}
	return nil
}

// Inhibit implements Inhibitor.
func (b *bus) Inhibit(ctx context.Context) (io.Closer, error) {
	var lock dbus.UnixFD
	call := b.logind().CallWithContext(ctx, logindAPI+".Inhibit", 0, "shutdown", "kubelet", "Kubelet needs time to handle node shutdown", "delay")
	if err := call.Store(&lock); err != nil {
		return nil, fmt.Errorf("asking logind to hold a shutdown back: %w", err)
	}
	return os.NewFile(uintptr(lock), "inhibitor"), nil
}

// Shutdowns implements Inhibitor.
func (b *bus) Shutdowns(ctx context.Context) (<-chan bool, error) {
	err := b.connection.AddMatchSignalContext(ctx,
		dbus.WithMatchInterface(logindAPI), dbus.WithMatchMember(aboutToGo), dbus.WithMatchObjectPath(logindPath))
	if err != nil {
		return nil, fmt.Errorf("listening to logind: %w", err)
	}
	signals, told := make(chan *dbus.Signal, 8), make(chan bool, 8)
	b.connection.Signal(signals)
	go func() {
		defer close(told)
		for signal := range signals { // closed with the connection
			if signal.Name != logindAPI+"."+aboutToGo || len(signal.Body) == 0 {
				continue
			}
			if down, ok := signal.Body[0].(bool); ok {
				select {
				case told <- down:
				case <-ctx.Done():
				}
			}
		}
	}()
	return told, nil
}

// Close implements Inhibitor.
func (b *bus) Close() error { return b.connection.Close() }
