package static

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/internal/await"
)

// node is what a loop has told: the pods that are to run, by name and image.
type node struct {
	mu   sync.Mutex
	pods map[types.UID]*corev1.Pod
	log  []string
}

func (n *node) Set(pod *corev1.Pod) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pods[pod.UID] = pod
	n.log = append(n.log, "run "+nameOf(pod))
}

func (n *node) Remove(uid types.UID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.log = append(n.log, "remove "+nameOf(n.pods[uid]))
	delete(n.pods, uid)
}

func (n *node) running() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []string
	for _, pod := range n.pods {
		all = append(all, pod.Name+"="+pod.Spec.Containers[0].Image)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// pass reads a source once.
func pass(t *testing.T, l *Loop, source string) error {
	t.Helper()
	w, err := sources{l}.Observe(t.Context(), engine.Look{}, source)
	if err != nil {
		return err
	}
	for _, step := range (sources{l}).Plan(source, w, time.Time{}).All() {
		if failed := step.Do(t.Context(), &actor{l, source}); failed != nil {
			err = failed
		}
	}
	return err
}

func TestTheFilesOfADirectoryAreThePodsOfTheNode(t *testing.T) {
	dir := t.TempDir()
	n := &node{pods: map[types.UID]*corev1.Pod{}}
	l := New(Options{Node: "m", Path: dir, FileEvery: time.Hour, Sink: n, Log: logr.Discard()})
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, step := range []struct {
		name   string
		change func()
		want   string
		wrong  string
	}{
		{"nothing is there", func() {}, "", ""},
		{"a file comes", func() { write(t, at("web.yaml"), web) }, "web-m=web:1", ""},
		{"what is hidden, and a directory, are passed over", func() {
			write(t, at(".hidden.yaml"), strings.Replace(web, "name: web}", "name: hidden}", 1))
			if err := os.Mkdir(at("sub"), 0o700); err != nil {
				t.Fatal(err)
			}
		}, "web-m=web:1", ""},
		{"a file that is no pod changes nothing", func() { write(t, at("broken.yaml"), "{") }, "web-m=web:1", "broken.yaml"},
		{"nor does one that is being written", func() { write(t, at("web.yaml"), web[:20]) }, "web-m=web:1", "web.yaml"},
		{"a changed file is another pod", func() { write(t, at("web.yaml"), strings.Replace(web, "web:1", "web:2", 1)) }, "web-m=web:2", "broken.yaml"},
		{"of two files with one name the first counts", func() {
			write(t, at("xeb.yaml"), strings.Replace(web, "web:1", "web:3", 1))
		}, "web-m=web:2", "pod default/web-m"},
		{"the other one when that is gone", func() {
			if err := os.Remove(at("web.yaml")); err != nil {
				t.Fatal(err)
			}
		}, "web-m=web:3", "broken.yaml"},
		{"without the directory there are none", func() {
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
		}, "", ""},
	} {
		step.change()
		err := pass(t, l, FileSource)
		if step.wrong == "" && err != nil || step.wrong != "" && (err == nil || !strings.Contains(err.Error(), step.wrong)) {
			t.Errorf("%s: it says %v, want %q", step.name, err, step.wrong)
		}
		if got := n.running(); got != step.want {
			t.Errorf("%s: %q run, want %q", step.name, got, step.want)
		}
	}
	if want := "run default/web-m, remove default/web-m, run default/web-m, remove default/web-m, run default/web-m, remove default/web-m"; strings.Join(n.log, ", ") != want {
		t.Errorf("it was told %v", n.log)
	}
}

func TestAPodThatKeepsItsUIDIsChangedInPlace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "web.yaml")
	own := strings.Replace(web, "name: web}", "name: web, uid: mine}", 1)
	n := &node{pods: map[types.UID]*corev1.Pod{}}
	l := New(Options{Node: "m", Path: file, Sink: n, Log: logr.Discard()})
	for _, text := range []string{own, own, strings.Replace(own, "web:1", "web:2", 1)} {
		write(t, file, text)
		if err := pass(t, l, FileSource); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(n.log, ", "); got != "run default/web-m, run default/web-m" || n.running() != "web-m=web:2" {
		t.Errorf("it was told %q, and runs %q", got, n.running())
	}
}

func TestWhatIsServedAtAURLIsRun(t *testing.T) {
	answer, code := "", http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Token") != "let me in" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.WriteHeader(code)
		_, _ = fmt.Fprint(w, answer)
	}))
	defer server.Close()
	n := &node{pods: map[types.UID]*corev1.Pod{}}
	l := New(Options{Node: "m", URL: server.URL, Header: map[string][]string{"Token": {"let me in"}}, Sink: n, Log: logr.Discard()})
	list := `{"apiVersion":"v1","kind":"PodList","items":[{"metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"a:1"}]}},{"metadata":{"name":"b"},"spec":{"containers":[{"name":"c","image":"b:1"}]}}]}`
	for _, step := range []struct {
		name, answer string
		code         int
		want         string
		wrong        bool
	}{
		{"a pod", web, http.StatusOK, "web-m=web:1", false},
		{"an error changes nothing", "", http.StatusInternalServerError, "web-m=web:1", true},
		{"nor does what is no pod", "{", http.StatusOK, "web-m=web:1", true},
		{"a list", list, http.StatusOK, "a-m=a:1 b-m=b:1", false},
		{"nothing", "", http.StatusOK, "", false},
	} {
		answer, code = step.answer, step.code
		if err := pass(t, l, HTTPSource); (err != nil) != step.wrong {
			t.Errorf("%s: it says %v", step.name, err)
		}
		if got := n.running(); got != step.want {
			t.Errorf("%s: %q run, want %q", step.name, got, step.want)
		}
	}
}

func TestAManifestThatWasGoneForAMomentIsRunAnew(t *testing.T) {
	file := filepath.Join(t.TempDir(), "web.yaml")
	n := &node{pods: map[types.UID]*corev1.Pod{}}
	l := New(Options{Node: "m", Path: file, Sink: n, Log: logr.Discard()})
	write(t, file, web)
	for range 2 {
		if err := pass(t, l, FileSource); err != nil {
			t.Fatal(err)
		}
		l.noteRemoved(file)
	}
	for range 2 {
		if err := pass(t, l, FileSource); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(n.log, ", "); got != "run default/web-m, remove default/web-m, run default/web-m, remove default/web-m, run default/web-m" {
		t.Errorf("it was told %q", got)
	}
}

func TestAChangeIsHeardOfAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "manifests") // it comes later
	n := &node{pods: map[types.UID]*corev1.Pod{}}
	l := New(Options{Node: "m", Path: dir, FileEvery: time.Hour, Sink: n, Log: logr.Discard()})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); l.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	<-l.Seen()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "web.yaml")
	for _, step := range []struct{ text, want string }{{web, "web-m=web:1"}, {"", ""}, {web, "web-m=web:1"}, {strings.Replace(web, "web:1", "web:2", 1), "web-m=web:2"}, {"", ""}} {
		if step.text == "" {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		} else {
			write(t, file, step.text)
		}
		await.Until(t, "the pods "+step.want, func() (string, bool) { got := n.running(); return got, got == step.want })
	}
}
