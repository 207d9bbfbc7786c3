package testserver

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/internal/await"
)

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
	ctx, cancel := context.WithTimeout(t.Context(), await.Deadline)
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
	await.Success(t, "the default service account is created", func() error { // the namespace may be a moment behind the server
		_, err := client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Create(t.Context(), account, metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			return nil
		}
		return err
	})
}
