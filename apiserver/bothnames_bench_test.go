package apiserver_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
)

// asked is a request that BenchmarkNames makes by both names.
type asked struct {
	name, method, path, contentType, body string
	encoding                              string // what of compressed answers the client reads
}

var benchmarked = []asked{
	{name: "get", method: http.MethodGet, path: "/endpoints/e-1"},
	{name: "list 500", method: http.MethodGet, path: "/endpoints", encoding: "identity"},
	{name: "list 500, compressed", method: http.MethodGet, path: "/endpoints", encoding: "gzip"},
	{name: "list 500 as a table", method: http.MethodGet, path: "/endpoints?as=Table", encoding: "identity"},
	{name: "merge patch", method: http.MethodPatch, path: "/endpoints/e-2", contentType: mergePatch, body: `{"metadata":{"labels":{"at":"TIME"}}}`},
	{
		name: "apply", method: http.MethodPatch, path: "/endpoints/e-3?fieldManager=bench&force=true", contentType: applyPatch,
		body: "apiVersion: VERSION\nkind: Endpoints\nmetadata:\n  name: e-3\n  labels:\n    at: \"TIME\"\n",
	},
}

// BenchmarkNames makes the same requests by both names in turn, and tells how many of the second are answered in the time of
// one of the first: 1 is as fast, and 0.8 or more is wanted. Of each it takes the time that a quarter of the requests stayed
// under, so that what else the machine does in a moment does not matter.
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
	config.DisableCompression = true // what is asked for is read as it comes
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		b.Fatal(err)
	}
	for _, what := range benchmarked {
		b.Run(what.name, func(b *testing.B) {
			var took [2][]time.Duration
			for b.Loop() {
				for i, name := range [][2]string{{"/api/v1", "v1"}, {"/apis/core.orrery.dev/v1", "core.orrery.dev/v1"}} {
					took[i] = append(took[i], what.do(b, client, config.Host+name[0], name[1]))
				}
			}
			b.ReportMetric(quarter(took[0]).Seconds()/quarter(took[1]).Seconds(), "rate")
			b.ReportMetric(float64(quarter(took[0]).Microseconds()), "µs/first")
			b.ReportMetric(float64(quarter(took[1]).Microseconds()), "µs/second")
		})
	}
}

func quarter(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/4]
}

// do makes the request once, and returns how long it took to read the answer.
func (a asked) do(b *testing.B, client *http.Client, at, apiVersion string) time.Duration {
	b.Helper()
	path, table := strings.CutSuffix(a.path, "?as=Table")
	where, query, _ := strings.Cut(path, "?")
	body := strings.NewReplacer("VERSION", apiVersion, "TIME", fmt.Sprint(time.Now().UnixNano())).Replace(a.body)
	request, err := http.NewRequestWithContext(b.Context(), a.method, at+"/namespaces/default"+where+"?"+query, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	request.Header.Set("Content-Type", a.contentType)
	request.Header.Set("Accept", plainJSON)
	if table {
		request.Header.Set("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
	}
	if a.encoding != "" {
		request.Header.Set("Accept-Encoding", a.encoding)
	}
	began := time.Now()
	response, err := client.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	var said bytes.Buffer
	if _, err := io.Copy(&said, response.Body); err != nil || response.StatusCode != http.StatusOK {
		b.Fatal(response.Status, err, said.String())
	}
	if err := response.Body.Close(); err != nil {
		b.Fatal(err)
	}
	return time.Since(began)
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
