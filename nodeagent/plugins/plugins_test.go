package plugins

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"google.golang.org/grpc"
	registrationv1 "k8s.io/kubelet/pkg/apis/pluginregistration/v1"

	"github.com/orrery-dev/orrery/internal/await"
)

// recorder is a handler that writes down what it hears, and refuses what it is told to.
type recorder struct {
	mu      sync.Mutex
	heard   []string
	refuses int
}

func (r *recorder) Register(_ context.Context, p Plugin) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuses > 0 {
		r.refuses--
		return errors.New("not now")
	}
	r.heard = append(r.heard, fmt.Sprintf("+%s at %s %v", p.Name, filepath.Base(p.Endpoint), p.Versions))
	return nil
}

func (r *recorder) Deregister(_ context.Context, p Plugin) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heard = append(r.heard, "-"+p.Name)
	return nil
}

func (r *recorder) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.heard)
}

// plugin is one that says what it is, and hears what became of it.
type plugin struct {
	registrationv1.UnimplementedRegistrationServer
	info *registrationv1.PluginInfo

	mu   sync.Mutex
	told []string
}

func (p *plugin) GetInfo(context.Context, *registrationv1.InfoRequest) (*registrationv1.PluginInfo, error) {
	return p.info, nil
}

func (p *plugin) NotifyRegistrationStatus(_ context.Context, s *registrationv1.RegistrationStatus) (*registrationv1.RegistrationStatusResponse, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told = append(p.told, fmt.Sprintf("%v %s", s.GetPluginRegistered(), s.GetError()))
	return &registrationv1.RegistrationStatusResponse{}, nil
}

func (p *plugin) all() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.told)
}

// listen has a plugin listen at a socket. It ends with the returned function, or the test.
func (p *plugin) listen(t *testing.T, socket string) (stop func()) {
	t.Helper()
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	registrationv1.RegisterRegistrationServer(server, p)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return server.Stop
}

func csiPlugin(name string) *plugin {
	return &plugin{info: &registrationv1.PluginInfo{Type: registrationv1.CSIPlugin, Name: name, Endpoint: "/run/csi.sock", SupportedVersions: []string{"1.0.0"}}}
}

// run has a loop run until the test ends.
func run(t *testing.T, handler Handler) (dir string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "plugins") //nolint:usetesting // paths of sockets have to be short
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		group.Wait()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	loop := New(Options{Dir: filepath.Join(dir, Dir), Handlers: map[string]Handler{registrationv1.CSIPlugin: handler}})
	if err := os.Mkdir(loop.Dir, 0o750); err != nil {
		t.Fatal(err)
	}
	group.Go(func() {
		if err := loop.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	return loop.Dir
}

func hears(t *testing.T, what string, all func() []string, want ...string) {
	t.Helper()
	await.Until(t, what, func() (string, bool) { got := all(); return fmt.Sprint(got), slices.Equal(got, want) })
}

func TestAPluginIsRegisteredForAsLongAsItsSocketIsThere(t *testing.T) {
	t.Parallel()
	handler := &recorder{}
	dir := run(t, handler)
	one := csiPlugin("one.example.com")
	stop := one.listen(t, filepath.Join(dir, "one.sock"))
	hears(t, "the plugin to be registered", handler.all, "+one.example.com at csi.sock [1.0.0]")
	hears(t, "the plugin to be told", one.all, "true ")
	stop()
	hears(t, "the plugin to be deregistered", handler.all, "+one.example.com at csi.sock [1.0.0]", "-one.example.com")
}

func TestAPluginThatComesBackIsRegisteredAnew(t *testing.T) {
	t.Parallel()
	handler := &recorder{}
	dir := run(t, handler)
	first := csiPlugin("first")
	stop := first.listen(t, filepath.Join(dir, "s.sock"))
	hears(t, "the first to be registered", handler.all, "+first at csi.sock [1.0.0]")
	stop()
	csiPlugin("second").listen(t, filepath.Join(dir, "s.sock"))
	hears(t, "the second in its place", handler.all, "+first at csi.sock [1.0.0]", "-first", "+second at csi.sock [1.0.0]")
}

func TestAPluginThatIsRefusedIsToldAndAskedAgain(t *testing.T) {
	t.Parallel()
	handler := &recorder{refuses: 1}
	dir := run(t, handler)
	one := csiPlugin("one")
	one.listen(t, filepath.Join(dir, "one.sock"))
	hears(t, "the plugin to be registered", handler.all, "+one at csi.sock [1.0.0]")
	hears(t, "the plugin to be told", one.all, "false RegisterPlugin error -- plugin registration failed with err: not now", "true ")
}

func TestAPluginOfAnUnknownTypeIsTold(t *testing.T) {
	t.Parallel()
	dir := run(t, &recorder{})
	device := csiPlugin("device")
	device.info.Type = registrationv1.DevicePlugin
	path := filepath.Join(dir, "device.sock")
	device.listen(t, path)
	await.Until(t, "the plugin to be told", func() (string, bool) {
		told := device.all()
		return fmt.Sprint(told), len(told) > 0 &&
			told[0] == "false RegisterPlugin error -- no handler registered for plugin type: DevicePlugin at socket "+path
	})
}

func TestOnlySocketsWithoutADotAreFound(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "plugins") //nolint:usetesting // paths of sockets have to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := errors.Join(
		os.Mkdir(filepath.Join(dir, "below"), 0o750), os.Mkdir(filepath.Join(dir, ".hidden"), 0o750), os.WriteFile(filepath.Join(dir, "file"), nil, 0o600),
	); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.sock", ".b.sock", "below/c.sock", ".hidden/d.sock"} {
		csiPlugin("p").listen(t, filepath.Join(dir, name))
	}
	found, err := sockets(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for path := range found {
		names = append(names, path[len(dir)+1:])
	}
	slices.Sort(names)
	if want := []string{"a.sock", "below/c.sock"}; !slices.Equal(names, want) {
		t.Errorf("found %q, want %q", names, want)
	}
}
