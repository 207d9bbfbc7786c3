package apiserver_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
)

// BenchmarkNames makes the same requests by both names, in JSON: reads of one object, and of a list of 500.
func BenchmarkNames(b *testing.B) {
	server, err := apiserver.Start(b.Context(), apiserver.Options{Ephemeral: true, TwoNames: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := server.Stop(); err != nil {
			b.Error(err)
		}
	})
	if err := server.WaitReady(b.Context()); err != nil {
		b.Fatal(err)
	}
	config, err := server.Config(identity.Admin)
	if err != nil {
		b.Fatal(err)
	}
	makeEndpoints(b, config, 500)
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		b.Fatal(err)
	}
	for _, what := range []string{"/endpoints/e-1", "/endpoints"} {
		for _, prefix := range []string{"/api/v1", "/apis/core.orrery.dev/v1"} {
			b.Run(what[1:]+" by "+prefix[1:], func(b *testing.B) {
				for b.Loop() {
					response, err := client.Get(config.Host + prefix + "/namespaces/default" + what)
					if err != nil {
						b.Fatal(err)
					}
					if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusOK {
						b.Fatal(response.Status, err)
					}
					if err := response.Body.Close(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func makeEndpoints(b *testing.B, config *rest.Config, n int) {
	b.Helper()
	clients, err := kubernetes.NewForConfig(config)
	if err != nil {
		b.Fatal(err)
	}
	for i := range n {
		endpoints := &corev1.Endpoints{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("e-%d", i), Labels: map[string]string{"app": "web"}}, Subsets: []corev1.EndpointSubset{
			{Addresses: []corev1.EndpointAddress{{IP: "10.1.1.1"}, {IP: "10.1.1.2"}}, Ports: []corev1.EndpointPort{{Name: "http", Port: 80}, {Name: "https", Port: 443}}},
		}}
		if _, err := clients.CoreV1().Endpoints("default").Create(b.Context(), endpoints, metav1.CreateOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
