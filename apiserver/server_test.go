package apiserver_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/apiserver/testserver"
)

func TestMain(m *testing.M) {
	if runAsChild() {
		return
	}
	code := m.Run()
	if sharedServer != nil {
		if err := sharedServer.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stopping the shared server:", err)
			code = 1
		}
	}
	os.Exit(code)
}

var (
	sharedOnce   sync.Once
	sharedServer *apiserver.Server
	sharedErr    error
)

// shared returns a server with two names that all tests use which do not stop it; TestMain stops it. Tests keep to a
// namespace of their own.
func shared(t *testing.T) *apiserver.Server {
	t.Helper()
	sharedOnce.Do(func() {
		sharedServer, sharedErr = apiserver.Start(context.Background(), apiserver.Options{Ephemeral: true, TwoNames: true})
	})
	if sharedErr != nil {
		t.Fatal(sharedErr)
	}
	ready(t, sharedServer)
	return sharedServer
}

// start starts a server for a test, and tells how long each part of its start took.
func start(t *testing.T, o apiserver.Options) *apiserver.Server {
	t.Helper()
	began := time.Now()
	o.Progress = func(p apiserver.Phase) {
		if p.Done {
			t.Logf("%6.3fs %s took %.3fs, %v", time.Since(began).Seconds(), p.Name, p.Took.Seconds(), p.Err)
		}
	}
	return testserver.Start(t, o)
}

func ready(t *testing.T, server *apiserver.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := server.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
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

// untyped returns a dynamic client.
func untyped(t *testing.T, server *apiserver.Server, who identity.Identity) dynamic.Interface {
	t.Helper()
	config, err := server.Config(who)
	if err != nil {
		t.Fatal(err)
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// namespace creates a namespace for the test and returns its name.
func namespace(t *testing.T, client kubernetes.Interface) string {
	t.Helper()
	created, err := client.CoreV1().Namespaces().Create(t.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return created.Name
}
