package runtime

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/internal/await"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// The world outside is one machine at the second ones of these addresses; the host is at the first ones to it.
const (
	hostAddress, outsideAddress         = "192.0.2.1", "192.0.2.2"
	hostAddressIPv6, outsideAddressIPv6 = "2001:db8::1", "2001:db8::2"
)

func TestNetwork(t *testing.T) { onEachHost(t, testNetwork) }

func testNetwork(t *testing.T) {
	outside := newOutside(t)
	n := newNode(t)
	backend := n.runPod("backend", withPort(18080, 8080))

	t.Run("the world outside sees the node's address, not the pod's", func(t *testing.T) {
		for host, outside := range map[string]string{hostAddress: outsideAddress, hostAddressIPv6: outsideAddressIPv6} {
			said, err := n.exec(backend, "/web", "wget", "http://"+net.JoinHostPort(outside, "8080")+"/")
			if err != nil || said != "you are "+host {
				t.Errorf("%s said %q (%v)", outside, said, err)
			}
		}
	})
	for _, at := range []string{hostAddress, hostAddressIPv6} {
		at = net.JoinHostPort(at, "18080")
		t.Run("a host port leads to its pod, from outside, at "+at, func(t *testing.T) {
			await.Success(t, "the pod answers at the host port", func() error {
				said, err := outside.get("http://" + at + "/")
				if err == nil && !strings.Contains(said, "Hello from backend") {
					err = fmt.Errorf("it said %q", said)
				}
				return err
			})
		})
		t.Run("a host port leads to its pod, from the node, at "+at, func(t *testing.T) {
			if said := get(t, "http://"+at+"/"); !strings.Contains(said, "Hello from backend") {
				t.Errorf("it said %q", said)
			}
		})
	}
	t.Run("a pod's processes are in the cgroup that the agent chose", func(t *testing.T) {
		found, err := filepath.Glob("/sys/fs/cgroup/memory" + n.options.CgroupRoot + "/podbackend/*/memory.limit_in_bytes")
		if _, noV1 := os.Stat("/sys/fs/cgroup/memory"); noV1 != nil {
			found, err = filepath.Glob("/sys/fs/cgroup" + n.options.CgroupRoot + "/podbackend/*/memory.max")
		}
		limits := map[string]bool{}
		for _, file := range found {
			text, _ := os.ReadFile(file)
			limits[strings.TrimSpace(string(text))] = true
		}
		if err != nil || len(found) != 2 || !limits[fmt.Sprint(64<<20)] {
			t.Errorf("cgroups are %v with limits %v (%v), want the sandbox and a container of 64 MiB", found, limits, err)
		}
	})
	t.Run("a second control plane lives beside the first", func(t *testing.T) {
		second := newNode(t)
		beside := second.runPod("beside")
		if said := get(t, "http://"+beside.ip+":8080/"); !strings.Contains(said, "Hello from beside") {
			t.Errorf("it said %q", said)
		}
		answer, err := second.cri.ListPodSandbox(t.Context(), &runtimeapi.ListPodSandboxRequest{})
		if err != nil || len(answer.GetItems()) != 1 {
			t.Errorf("the second one's sandboxes are %v (%v), want its own", answer.GetItems(), err)
		}
		if said, err := n.exec(backend, "/web", "wget", "http://"+beside.ip+":8080/"); err != nil || !strings.Contains(said, "Hello from beside") {
			t.Errorf("from the first one's pod it said %q (%v)", said, err)
		}
	})
	t.Run("the first one's pods go on when the second is reset", func(t *testing.T) {
		if said := get(t, "http://"+backend.ip+":8080/"); !strings.Contains(said, "Hello from backend") {
			t.Errorf("it said %q", said)
		}
	})
}

// withPort maps a port of the host to one of a pod.
func withPort(host, container int32) func(*runtimeapi.PodSandboxConfig) {
	return func(c *runtimeapi.PodSandboxConfig) {
		c.PortMappings = append(c.PortMappings, &runtimeapi.PortMapping{HostPort: host, ContainerPort: container, Protocol: runtimeapi.Protocol_TCP})
	}
}

// outside is a machine beyond the host, in a network namespace that one thread is in.
type outside struct {
	asks chan string
	says chan answer
}

type answer struct {
	text string
	err  error
}

// newOutside connects a machine to the host, which serves who asks it.
func newOutside(t *testing.T) *outside {
	t.Helper()
	o := &outside{asks: make(chan string), says: make(chan answer)}
	ready := make(chan error)
	go o.live(ready)
	thread := <-o.says
	if thread.err != nil {
		t.Fatal(thread.err)
	}
	if err := connect(thread.text); err != nil {
		t.Fatal(err)
	}
	o.asks <- ""
	if err := <-ready; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { close(o.asks) })
	return o
}

// live runs on a thread of its own, which is never given back.
func (o *outside) live(ready chan<- error) {
	goruntime.LockOSThread()
	err := unix.Unshare(unix.CLONE_NEWNET)
	o.says <- answer{fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()), err}
	if err != nil {
		return
	}
	<-o.asks
	err = errors.Join(address("outside", outsideAddress+"/24"), address("outside", outsideAddressIPv6+"/64"))
	var listeners []net.Listener
	for network, address := range map[string]string{"tcp4": outsideAddress, "tcp6": outsideAddressIPv6} {
		listener, cannot := net.Listen(network, net.JoinHostPort(address, "8080"))
		listeners, err = append(listeners, listener), errors.Join(err, cannot)
	}
	ready <- err
	if err != nil {
		return
	}
	server := &http.Server{ReadHeaderTimeout: patience, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		_, _ = fmt.Fprint(w, "you are "+host) // the client sees when it is missing
	})}
	for _, listener := range listeners {
		go func() { _ = server.Serve(listener) }() // it ends with Close
	}
	for url := range o.asks {
		text, err := fetch(url)
		o.says <- answer{text, err}
	}
	_ = server.Close() // nobody asks any more
}

// get asks from outside.
func (o *outside) get(url string) (string, error) {
	o.asks <- url
	said := <-o.says
	return said.text, said.err
}

// fetch speaks HTTP on a connection that is made on this very thread, unlike those of http.Client.
func fetch(url string) (string, error) {
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	connection, err := net.DialTimeout("tcp", request.URL.Host, 5*time.Second)
	if err != nil {
		return "", err
	}
	defer func() { _ = connection.Close() }() // all has been read
	request.Close = true
	if err := request.Write(connection); err != nil {
		return "", err
	}
	var b strings.Builder
	buffer := make([]byte, 4096)
	for {
		n, err := connection.Read(buffer)
		b.Write(buffer[:n])
		if err != nil {
			return b.String(), nil
		}
	}
}

// connect lays a cable from the host to a network namespace.
func connect(namespace string) error {
	file, err := os.Open(namespace)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	cable := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "to-outside"}, PeerName: "outside", PeerNamespace: netlink.NsFd(file.Fd())}
	if err := netlink.LinkAdd(cable); err != nil {
		return err
	}
	return errors.Join(address("to-outside", hostAddress+"/24"), address("to-outside", hostAddressIPv6+"/64"))
}

// address gives a device an address and turns it on.
func address(device, ip string) error {
	link, err := netlink.LinkByName(device)
	if err != nil {
		return err
	}
	parsed, err := netlink.ParseAddr(ip)
	if err != nil {
		return err
	}
	if parsed.IP.To4() == nil {
		parsed.Flags = unix.IFA_F_NODAD // there at once
	}
	if err := netlink.AddrAdd(link, parsed); err != nil {
		return err
	}
	return netlink.LinkSetUp(link)
}
