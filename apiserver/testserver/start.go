package testserver

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
)

// patience is how long a server may take to become ready.
const patience = time.Minute

// Start starts a server and waits until it is ready. It outlives the test's context, and is stopped by a cleanup of the test:
// what is registered afterwards is cleaned up while the server is still there.
func Start(t testing.TB, options apiserver.Options) *apiserver.Server {
	t.Helper()
	server, err := apiserver.Start(context.WithoutCancel(t.Context()), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Errorf("stopping the API server: %v", err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := server.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	return server
}

// Config is how an identity reaches the server, as fast as it likes.
func Config(t testing.TB, server *apiserver.Server, who identity.Identity) *rest.Config {
	t.Helper()
	config, err := server.Config(who)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	return config
}

// CreateServiceAccount makes the service account that every pod of the namespace default needs. Otherwise a controller makes
// it, which does not run here.
func CreateServiceAccount(t testing.TB, client kubernetes.Interface) {
	t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: "default"}}
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		_, last = client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Create(ctx, account, metav1.CreateOptions{})
		return last == nil || apierrors.IsAlreadyExists(last), nil // The namespace may be a moment behind the server.
	})
	if err != nil {
		t.Fatalf("creating the default service account: %v; last: %v", err, last)
	}
}
