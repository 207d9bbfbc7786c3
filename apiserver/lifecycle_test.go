package apiserver_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/etcd"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/internal/version"
)

var unstructuredConverter = runtime.DefaultUnstructuredConverter

func configMap(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string]string{"planet": "saturn"}}
}

func TestNamesItsRelease(t *testing.T) {
	stated, err := clients(t, shared(t), identity.Admin).Discovery().ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	if want := version.Stated(apiserver.KubernetesVersion()); !strings.HasPrefix(want, "v1.") || stated.GitVersion != want {
		t.Errorf("the server calls itself %s, want %s", stated.GitVersion, want)
	}
}

func TestARestartContinuesWithEveryObjectAndEveryClient(t *testing.T) {
	t.Parallel()
	options := apiserver.Options{DataDir: t.TempDir(), TwoNames: true}
	first := start(t, options)
	admin := clients(t, first, identity.Admin)
	ns := namespace(t, admin)
	created, err := admin.AppsV1().Deployments(ns).Create(t.Context(), deployment("web"), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	kept, err := first.Config(identity.Admin)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}

	second := start(t, options)
	kept.Host = second.URL() // its certificates are those from before
	again, err := kubernetes.NewForConfig(kept)
	if err != nil {
		t.Fatal(err)
	}
	found, err := again.AppsV1().Deployments(ns).Get(t.Context(), "web", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if found.UID != created.UID || found.ResourceVersion != created.ResourceVersion {
		t.Errorf("UID and resourceVersion are %s, %s, want %s, %s", found.UID, found.ResourceVersion, created.UID, created.ResourceVersion)
	}
}

func TestSeveralServersRunInOneProcess(t *testing.T) {
	t.Parallel()
	one, other := shared(t), start(t, apiserver.Options{Ephemeral: true})
	ns := namespace(t, clients(t, one, identity.Admin))
	_, err := clients(t, other, identity.Admin).CoreV1().Namespaces().Get(t.Context(), ns, metav1.GetOptions{})
	if err == nil {
		t.Errorf("namespace %s of one server is seen in the other", ns)
	}
	config, err := one.Config(identity.Admin)
	if err != nil {
		t.Fatal(err)
	}
	config.Host = other.URL()
	stranger, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stranger.Discovery().ServerVersion(); err == nil {
		t.Error("a client of one server is at home in the other")
	}
}

func TestStopReturnsAtEveryPointOfAStart(t *testing.T) {
	for _, phase := range []string{apiserver.PhaseCertificates, apiserver.PhaseEtcd, apiserver.PhaseAPIServer, apiserver.PhaseBootstrap, apiserver.PhaseReady} {
		t.Run("when it has come to "+phase, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			server, err := apiserver.Start(ctx, apiserver.Options{Ephemeral: true, Progress: func(p apiserver.Phase) {
				if p.Name == phase && !p.Done {
					cancel()
				}
			}})
			if err != nil {
				if !errors.Is(err, context.Canceled) {
					t.Errorf("got error %v, want that of the cancelled context", err)
				}
				return
			}
			select {
			case <-server.Ended():
			case <-time.After(time.Minute):
				t.Fatal("the server has not ended a minute after its context")
			}
			if err := server.Stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWhatIsWrongIsOneClearError(t *testing.T) {
	refuse := func(t *testing.T, o apiserver.Options) error {
		t.Helper()
		server, err := apiserver.Start(t.Context(), o)
		if err == nil {
			t.Errorf("it started; stopping it: %v", server.Stop())
		}
		return err
	}
	t.Run("no data directory", func(t *testing.T) {
		if err := refuse(t, apiserver.Options{}); err == nil || !strings.Contains(err.Error(), "data directory is not set") {
			t.Error(err)
		}
	})
	t.Run("a data directory in use", func(t *testing.T) {
		dir := t.TempDir()
		lock, err := etcd.Acquire(dir)
		if err != nil {
			t.Fatal(err)
		}
		var inUse *etcd.InUseError
		if err := refuse(t, apiserver.Options{DataDir: dir}); !errors.As(err, &inUse) {
			t.Errorf("got %v, want an InUseError", err)
		}
		if err := lock.Release(); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("a port in use", func(t *testing.T) {
		address := strings.TrimPrefix(shared(t).URL(), "https://")
		_, err := apiserver.Listen(t.Context(), address)
		var inUse *apiserver.PortInUseError
		if !errors.As(err, &inUse) || inUse.Address != address {
			t.Errorf("got %v, want a PortInUseError for %s", err, address)
		}
	})
	t.Run("a damaged certificate authority", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.Mkdir(dir+"/pki", 0o700); err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{"ca.crt", "ca.key"} {
			if err := os.WriteFile(dir+"/pki/"+file, []byte("spoiled"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := refuse(t, apiserver.Options{DataDir: dir}); err == nil || !strings.Contains(err.Error(), dir+"/pki/ca.crt") {
			t.Errorf("got %v, want an error that names the file", err)
		}
		// Nothing is left behind: the directory can be used once it has been mended.
		if err := os.RemoveAll(dir + "/pki"); err != nil {
			t.Fatal(err)
		}
		start(t, apiserver.Options{DataDir: dir, Ephemeral: true})
	})
	t.Run("objects in the layout of an earlier release", func(t *testing.T) {
		store, err := etcd.Start(t.Context(), etcd.Options{Dir: t.TempDir(), Ephemeral: true})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := store.Stop(); err != nil {
				t.Error(err)
			}
		}()
		client, err := clientv3.New(clientv3.Config{Endpoints: []string{store.Endpoint()}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Put(t.Context(), "/orrery/stored-for/registry", "two names"); err != nil {
			t.Fatal(err)
		}
		if err := client.Close(); err != nil {
			t.Fatal(err)
		}
		there := &apiserver.ExternalEtcd{Endpoints: []string{store.Endpoint()}}
		if err := refuse(t, apiserver.Options{Ephemeral: true, TwoNames: true, Etcd: there}); err == nil || !strings.Contains(err.Error(), "orrery reset") {
			t.Errorf("got %v, want an error that says what to do", err)
		}
	})
	t.Run("a bad service range", func(t *testing.T) {
		if err := refuse(t, apiserver.Options{Ephemeral: true, ServiceCIDR: "ten"}); err == nil || !strings.Contains(err.Error(), `"ten"`) {
			t.Errorf("got %v, want an error that quotes the value", err)
		}
	})
	t.Run("an unknown flag", func(t *testing.T) {
		if err := refuse(t, apiserver.Options{Ephemeral: true, Flags: []string{"--warp=9"}}); err == nil || !strings.Contains(err.Error(), "--warp") {
			t.Errorf("got %v, want an error that names the flag", err)
		}
	})
	t.Run("a word that is no flag", func(t *testing.T) {
		if err := refuse(t, apiserver.Options{Ephemeral: true, Flags: []string{"profiling=false"}}); err == nil || !strings.Contains(err.Error(), "profiling=false") {
			t.Errorf("got %v, want an error that quotes the word", err)
		}
	})
	t.Run("an unknown feature gate, which spoils no later start", func(t *testing.T) {
		for _, o := range []apiserver.Options{
			{Ephemeral: true, Flags: []string{"--feature-gates=NoSuch=true"}},
			{Ephemeral: true, FeatureGates: map[string]bool{"NoSuch": true}},
		} {
			if err := refuse(t, o); err == nil || !strings.Contains(err.Error(), "NoSuch") {
				t.Errorf("got %v, want an error that names the gate", err)
			}
		}
		start(t, apiserver.Options{Ephemeral: true})
	})
	t.Run("an external etcd that does not answer", func(t *testing.T) {
		silent, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		endpoint := "http://" + silent.Addr().String()
		if err := silent.Close(); err != nil {
			t.Fatal(err)
		}
		err = refuse(t, apiserver.Options{Ephemeral: true, Etcd: &apiserver.ExternalEtcd{Endpoints: []string{endpoint}}})
		if err == nil || !strings.Contains(err.Error(), endpoint) {
			t.Errorf("got %v, want an error that names the endpoint", err)
		}
	})
}

func TestTheKubernetesServiceHasTheAddressThatIsAdvertised(t *testing.T) {
	t.Parallel()
	address := outsideAddress(t)
	listener, err := net.Listen("tcp", netip.AddrPortFrom(address, 0).String())
	if err != nil {
		t.Fatal(err)
	}
	local, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := start(t, apiserver.Options{Ephemeral: true, Listener: listener, Also: []net.Listener{local}, AdvertiseAddress: address})
	admin := clients(t, server, identity.Admin)
	await.Until(t, "endpoints of the kubernetes Service", func() (string, bool) {
		slices, err := admin.DiscoveryV1().EndpointSlices("default").List(t.Context(), metav1.ListOptions{LabelSelector: "kubernetes.io/service-name=kubernetes"})
		if err != nil || len(slices.Items) == 0 {
			return fmt.Sprintf("%v, %v", slices, err), false
		}
		slice := slices.Items[0]
		return fmt.Sprint(slice.Endpoints, slice.Ports), len(slice.Endpoints) == 1 && slice.Endpoints[0].Addresses[0] == address.String() &&
			*slice.Ports[0].Port == int32(listener.Addr().(*net.TCPAddr).Port)
	})

	config, err := server.Config(identity.Admin)
	if err != nil {
		t.Fatal(err)
	}
	config.Host = "https://" + local.Addr().String()
	other, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Discovery().ServerVersion(); err != nil {
		t.Errorf("by the second listener: %v", err)
	}
}

// outsideAddress is an address of this machine that is not a loopback one.
func outsideAddress(t *testing.T) netip.Addr {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		prefix, err := netip.ParsePrefix(address.String())
		if err == nil && prefix.Addr().Is4() && prefix.Addr().IsGlobalUnicast() {
			return prefix.Addr()
		}
	}
	t.Skip("this machine has no address besides the loopback ones")
	return netip.Addr{}
}

func TestStoresInAnExternalEtcd(t *testing.T) {
	t.Parallel()
	outside, err := etcd.Start(t.Context(), etcd.Options{Dir: t.TempDir(), Ephemeral: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := outside.Stop(); err != nil {
			t.Error(err)
		}
	}()
	options := apiserver.Options{Ephemeral: true, Etcd: &apiserver.ExternalEtcd{Endpoints: []string{outside.Endpoint()}, Prefix: "/one"}}
	t.Run("objects outlive the server and its data directory", func(t *testing.T) {
		first := start(t, options)
		if _, err := clients(t, first, identity.Admin).CoreV1().ConfigMaps("default").Create(t.Context(), configMap("kept"), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := first.Stop(); err != nil {
			t.Fatal(err)
		}
		if _, err := clients(t, start(t, options), identity.Admin).CoreV1().ConfigMaps("default").Get(t.Context(), "kept", metav1.GetOptions{}); err != nil {
			t.Error(err)
		}
	})
}

// childVariable makes the test binary run a server in the directory it names until it is killed.
const childVariable = "ORRERY_TEST_SERVER_DIR"

// runAsChild runs the server of a child process. It reports on stdout when it is ready, and that objects exist.
func runAsChild() bool {
	dir := os.Getenv(childVariable)
	if dir == "" {
		return false
	}
	server, err := apiserver.Start(context.Background(), apiserver.Options{DataDir: dir, TwoNames: true})
	if err == nil {
		err = server.WaitReady(context.Background())
	}
	if err == nil {
		err = writeForever(server)
	}
	fmt.Println("failed:", err)
	return true
}

// writeForever creates ConfigMaps and says each name once the server has confirmed it.
func writeForever(server *apiserver.Server) error {
	config, err := server.Config(identity.Admin)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		name := fmt.Sprintf("written-%d", i)
		if _, err := client.CoreV1().ConfigMaps("default").Create(context.Background(), configMap(name), metav1.CreateOptions{}); err != nil {
			return err
		}
		fmt.Println(name)
	}
}

func TestAProcessThatWasKilledIsContinuedWithEveryObject(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childVariable+"="+dir)
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var killed atomic.Bool
	kill := func() {
		if killed.CompareAndSwap(false, true) {
			_ = child.Process.Kill() // it may have ended by itself, which is found out below
		}
	}
	defer kill()
	patience := time.AfterFunc(time.Minute, kill)
	defer patience.Stop()

	var confirmed []string
	for lines := bufio.NewScanner(output); lines.Scan(); {
		if !strings.HasPrefix(lines.Text(), "written-") {
			t.Fatalf("the child says %q", lines.Text())
		}
		if confirmed = append(confirmed, lines.Text()); len(confirmed) == 20 {
			kill()
		}
	}
	_, _ = io.Copy(io.Discard, output)
	if err := child.Wait(); err == nil || len(confirmed) < 20 {
		t.Fatalf("the child confirmed %d objects and ended with %v, want at least 20 and a kill", len(confirmed), err)
	}

	list, err := clients(t, start(t, apiserver.Options{DataDir: dir, TwoNames: true}), identity.Admin).
		CoreV1().ConfigMaps("default").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, item := range list.Items {
		found[item.Name] = true
	}
	for _, name := range confirmed {
		if !found[name] {
			t.Errorf("ConfigMap %s was confirmed before the kill and is gone", name)
		}
	}
}
