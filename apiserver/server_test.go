package apiserver_test

import (
	"context"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
)

// start starts a server, waits until it is ready, and stops it at the end of the test.
func start(t *testing.T, o apiserver.Options) *apiserver.Server {
	t.Helper()
	began := time.Now()
	o.Progress = func(p apiserver.Phase) {
		if p.Done {
			t.Logf("%6.3fs %s took %.3fs, %v", time.Since(began).Seconds(), p.Name, p.Took.Seconds(), p.Err)
		}
	}
	server, err := apiserver.Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		began := time.Now()
		if err := server.Stop(); err != nil {
			t.Errorf("stopping the server: %v", err)
		}
		t.Logf("stopped in %s", time.Since(began))
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := server.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	return server
}

// clients returns typed clients of the Kubernetes naming.
func clients(t *testing.T, server *apiserver.Server, who identity.Identity) kubernetes.Interface {
	t.Helper()
	config, err := server.Config(who)
	if err != nil {
		t.Fatal(err)
	}
	set, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestServesAndNamesItsRelease(t *testing.T) {
	server := start(t, apiserver.Options{Ephemeral: true})
	admin := clients(t, server, identity.Admin)
	version, err := admin.Discovery().ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(version.GitVersion, "v1.") || version.GitVersion != apiserver.KubernetesVersion() {
		t.Errorf("the server calls itself %s, want %s", version.GitVersion, apiserver.KubernetesVersion())
	}
	if _, err := admin.CoreV1().Namespaces().Get(t.Context(), metav1.NamespaceDefault, metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
}
