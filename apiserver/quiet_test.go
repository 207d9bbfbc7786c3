package apiserver_test

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/go-logr/logr/funcr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/internal/await"
)

func TestAServerLeftToItselfWarnsOfNothing(t *testing.T) {
	var (
		mu    sync.Mutex
		lines []string
	)
	klog.SetLogger(funcr.New(func(prefix, args string) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, prefix+args)
	}, funcr.Options{}))
	defer klog.ClearLogger()

	address := outsideAddress(t)
	listener, err := net.Listen("tcp", netip.AddrPortFrom(address, 0).String())
	if err != nil {
		t.Fatal(err)
	}
	server := start(t, apiserver.Options{Ephemeral: true, TwoNames: true, Listener: listener, AdvertiseAddress: address})
	// It is its own reconciler that looks after Endpoints, which are deprecated.
	await.Until(t, "endpoints of the kubernetes Service", func() (string, bool) {
		found, err := clients(t, server, identity.Admin).DiscoveryV1().EndpointSlices("default").List(t.Context(), metav1.ListOptions{})
		return fmt.Sprintf("%v, %v", found, err), err == nil && len(found.Items) > 0
	})
	mu.Lock()
	defer mu.Unlock()
	if len(lines) == 0 {
		t.Fatal("nothing was logged at all: this test would see nothing")
	}
	for _, line := range lines {
		if strings.Contains(line, "deprecated") || strings.Contains(line, "manifest file is empty") {
			t.Error(line)
		}
	}
}
