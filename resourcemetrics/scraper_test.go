package resourcemetrics

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
)

// cluster is one whose nodes are all served at one address, as simulated ones are.
type cluster struct {
	*Scraper
	nodes cache.Indexer
	url   *url.URL
}

func newCluster(t *testing.T, answer http.HandlerFunc) *cluster {
	t.Helper()
	server := httptest.NewTLSServer(answer)
	t.Cleanup(server.Close)
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	nodes := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	return &cluster{
		Scraper: &Scraper{
			options: Options{Store: NewStore(Resolution), Resolution: Resolution, Clock: clock.RealClock{}, Log: logr.Discard()},
			http:    server.Client(), nodes: corelisters.NewNodeLister(nodes), asked: map[string]bool{},
		},
		nodes: nodes, url: address,
	}
}

// add adds a node, whose figures are at its own path.
func (c *cluster) add(t *testing.T, name string) *corev1.Node {
	t.Helper()
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{annotationResourceMetricsPath: "/" + name}}}
	host, port, err := net.SplitHostPort(c.url.Host)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: host}}
	node.Status.DaemonEndpoints.KubeletEndpoint.Port = int32(number)
	if err := c.nodes.Add(node); err != nil {
		t.Fatal(err)
	}
	return node
}

// figuresAt are those of a node at so many seconds.
func figuresAt(seconds int64) string {
	return fmt.Sprintf("node_cpu_usage_seconds_total %d %d\nnode_memory_working_set_bytes 5 %[2]d\n", seconds, seconds*1000)
}

func TestEveryNodeIsAskedWhereItSays(t *testing.T) {
	var at atomic.Int64
	c := newCluster(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/one" || r.URL.Path == "/two" {
			fmt.Fprint(w, figuresAt(at.Add(1)))
			return
		}
		http.NotFound(w, r)
	})
	c.add(t, "one")
	c.add(t, "two")
	c.add(t, "silent")
	if first := c.Scrape(context.Background()); !first {
		t.Error("nothing was told for the first time")
	}
	if first := c.Scrape(context.Background()); first {
		t.Error("something was told for the first time again")
	}
	for name, want := range map[string]bool{"one": true, "two": true, "silent": false} {
		if usage, known := c.options.Store.Node(name); known != want {
			t.Errorf("of node %s is known: %+v (%v)", name, usage, known)
		}
	}
}

func TestWhoDoesNotAnswerOrIsGoneIsForgotten(t *testing.T) {
	var at, broken atomic.Int64
	c := newCluster(t, func(w http.ResponseWriter, r *http.Request) {
		if broken.Load() > 0 && r.URL.Path == "/one" {
			http.Error(w, "broken", http.StatusInternalServerError)
			return
		}
		fmt.Fprint(w, figuresAt(at.Add(1)))
	})
	c.add(t, "one")
	gone := c.add(t, "gone")
	c.Scrape(t.Context())
	c.Scrape(t.Context())
	broken.Store(1)
	if err := c.nodes.Delete(gone); err != nil {
		t.Fatal(err)
	}
	c.Scrape(t.Context())
	for _, name := range []string{"one", "gone"} {
		if usage, known := c.options.Store.Node(name); known {
			t.Errorf("of node %s is known: %+v", name, usage)
		}
	}
}

func TestANodeCannotSendItsClientElsewhere(t *testing.T) {
	var elsewhere atomic.Bool
	c := newCluster(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			elsewhere.Store(true)
		}
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	})
	c.http = staying(c.http)
	node := c.add(t, "one")
	if _, err := c.ask(t.Context(), node); err == nil || !strings.Contains(err.Error(), "302") || elsewhere.Load() {
		t.Errorf("asked elsewhere: %v; %v", elsewhere.Load(), err)
	}
}

func TestOfANodeIsKeptWhereItIsAsked(t *testing.T) {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "one", Labels: map[string]string{"a": "b"}, Annotations: map[string]string{
		annotationResourceMetricsPath: "/x", "other": "y",
	}}}
	node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "10.0.0.1"}}
	node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Message: "words"}, {Type: corev1.NodeDiskPressure}}
	node.Status.Images = []corev1.ContainerImage{{Names: []string{"large"}}}
	kept, err := trim(node)
	if err != nil {
		t.Fatal(err)
	}
	small := kept.(*corev1.Node)
	before, _ := target(node)
	after, _ := target(small)
	if before != after || !isReady(small) || len(small.Status.Images)+len(small.Labels) > 0 || len(small.Annotations) != 1 {
		t.Errorf("kept %+v, asked at %s, want %s", small, after, before)
	}
}
