package server

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/nodeagent/kubeletconfig"
)

// configured answers for a node with a configuration, to whom access does not matter.
func configured(change func(*Options)) http.Handler {
	options := Options{NodeName: "node", Configuration: &kubeletconfigv1beta1.KubeletConfiguration{}, Node: func(string) (Node, bool) { return Node{}, true }}
	options.Configuration.SetGroupVersionKind(kubeletconfigv1beta1.SchemeGroupVersion.WithKind("KubeletConfiguration"))
	if change != nil {
		change(&options)
	}
	if options.Configuration != nil {
		kubeletconfig.Default(options.Configuration)
	}
	return New(options).Handler()
}

func ask(t *testing.T, handler http.Handler, method, path string) (int, string) {
	t.Helper()
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), method, path, http.NoBody))
	body, err := io.ReadAll(answer.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.Code, strings.TrimSpace(string(body))
}

func TestConfigzIsTheConfigurationInForce(t *testing.T) {
	handler := configured(func(o *Options) { o.Configuration.MaxPods = 17 })
	code, body := ask(t, handler, http.MethodGet, "/configz")
	var got struct {
		Kubelet map[string]any `json:"kubeletconfig"`
	}
	if err := json.Unmarshal([]byte(body), &got); code != http.StatusOK || err != nil {
		t.Fatalf("got %d, %v: %s", code, err, body)
	}
	for field, want := range map[string]any{
		"maxPods": 17.0, "kind": "KubeletConfiguration", "apiVersion": "kubelet.config.k8s.io/v1beta1", "nodeStatusUpdateFrequency": "10s", "enableServer": true,
	} {
		if got.Kubelet[field] != want {
			t.Errorf("%s is %v, want %v", field, got.Kubelet[field], want)
		}
	}
}

func TestAServerOfManyNodesTellsNoConfiguration(t *testing.T) {
	handler := configured(func(o *Options) { o.Configuration = nil })
	for _, path := range []string{"/configz", "/flagz", "/statusz", "/logs/", "/debug/pprof/", "/checkpoint/default/web/main"} {
		if code, body := ask(t, handler, http.MethodGet, path); code != http.StatusNotFound && code != http.StatusMethodNotAllowed {
			t.Errorf("%s: got %d %s", path, code, body)
		}
	}
}

func TestFlagzAndStatuszTellOfTheProgram(t *testing.T) {
	handler := configured(func(o *Options) { o.Flags = map[string]string{"max-pods": "17"} })
	if code, body := ask(t, handler, http.MethodGet, "/flagz"); code != http.StatusOK || !strings.Contains(body, "kubelet flagz") || !strings.Contains(body, "max-pods") {
		t.Errorf("/flagz: got %d %s", code, body)
	}
	code, body := ask(t, handler, http.MethodGet, "/statusz")
	if code != http.StatusOK || !strings.Contains(body, "kubelet statusz") {
		t.Errorf("/statusz: got %d %s", code, body)
	}
	for _, path := range []string{"/configz", "/containerLogs", "/metrics", "/flagz"} {
		if !strings.Contains(body, path) {
			t.Errorf("/statusz does not name %s: %s", path, body)
		}
	}
}

func TestWhatIsTurnedOffSaysSo(t *testing.T) {
	off := ptr.To(false)
	for _, test := range []struct {
		name   string
		change func(*kubeletconfigv1beta1.KubeletConfiguration)
		path   string
		want   string
	}{
		{"exec without debugging handlers", func(c *kubeletconfigv1beta1.KubeletConfiguration) { c.EnableDebuggingHandlers = off },
			"/exec/default/web/main", "Debug endpoints are disabled."},
		{"logs of containers without debugging handlers", func(c *kubeletconfigv1beta1.KubeletConfiguration) { c.EnableDebuggingHandlers = off },
			"/containerLogs/default/web/main", "Debug endpoints are disabled."},
		{"logs of the node", func(c *kubeletconfigv1beta1.KubeletConfiguration) { c.EnableSystemLogHandler = off }, "/logs/", "logs endpoint is disabled."},
		{"queries of them, by default", func(*kubeletconfigv1beta1.KubeletConfiguration) {}, "/logs/?query=sshd", "system log query is disabled"},
		{"profiles", func(c *kubeletconfigv1beta1.KubeletConfiguration) { c.EnableProfilingHandler = off }, "/debug/pprof/heap", "profiling endpoint is disabled."},
		{"flags that could be changed", func(*kubeletconfigv1beta1.KubeletConfiguration) {}, "/debug/flags/v", "flags endpoint is disabled."},
	} {
		t.Run(test.name, func(t *testing.T) {
			handler := configured(func(o *Options) { o.LogDir = t.TempDir(); test.change(o.Configuration) })
			if code, body := ask(t, handler, http.MethodGet, test.path); code != http.StatusMethodNotAllowed || body != test.want {
				t.Errorf("got %d %q, want 405 %q", code, body, test.want)
			}
		})
	}
	handler := configured(func(o *Options) { o.Configuration.EnableDebuggingHandlers = off })
	if code, _ := ask(t, handler, http.MethodGet, "/healthz"); code != http.StatusOK {
		t.Errorf("/healthz is turned off with the debugging handlers: %d", code)
	}
}

func TestProfilesAreThere(t *testing.T) {
	if code, body := ask(t, configured(nil), http.MethodGet, "/debug/pprof/goroutine?debug=1"); code != http.StatusOK || !strings.Contains(body, "goroutine profile") {
		t.Errorf("got %d %.100s", code, body)
	}
}

func TestLogsOfTheNodeAreItsLogDirectory(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "secret")
	for path, text := range map[string]string{filepath.Join(dir, "syslog"): "a line\n", filepath.Join(dir, "pods"): "", outside: "a secret"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	handler := configured(func(o *Options) { o.LogDir = dir })
	if code, body := ask(t, handler, http.MethodGet, "/logs/"); code != http.StatusOK || !strings.Contains(body, `<a href="syslog">`) {
		t.Errorf("the directory: got %d %s", code, body)
	}
	if code, body := ask(t, handler, http.MethodGet, "/logs/syslog"); code != http.StatusOK || body != "a line" {
		t.Errorf("a file: got %d %s", code, body)
	}
	for _, path := range []string{"/logs/link", "/logs/../secret", "/logs/none"} {
		if code, body := ask(t, handler, http.MethodGet, path); code == http.StatusOK || strings.Contains(body, "a secret") {
			t.Errorf("%s: got %d %s", path, code, body)
		}
	}
}

func TestAQueryFindsTheLogOfAService(t *testing.T) {
	dir := t.TempDir()
	for path, text := range map[string]string{"first": "one\n", "second.log": "two\n", "third/third.log": "three\n"} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", t.TempDir()) // without a journal
	handler := configured(func(o *Options) { o.LogDir, o.Configuration.EnableSystemLogQuery = dir, ptr.To(true) })
	for _, test := range []struct {
		query, want string
		code        int
	}{
		{"?query=first", "one", http.StatusOK},
		{"?query=second&query=third", "two\nthree", http.StatusOK},
		{"?query=none", "log not found for none", http.StatusOK},
		{"?query=/third/third.log", "three", http.StatusOK},
		{"?query=first&tailLines=3", "options present and query resolved to log files for [first]\ntry without specifying options", http.StatusOK},
		{"?query=/../../etc/passwd", "query: statat ../../etc/passwd: path escapes from parent", http.StatusBadRequest},
		{"second.log?query=first", "path not allowed in query mode", http.StatusNotAcceptable},
		{"second.log", "two", http.StatusOK},
	} {
		if code, body := ask(t, handler, http.MethodGet, "/logs/"+test.query); code != test.code || body != test.want {
			t.Errorf("%s: got %d %q, want %d %q", test.query, code, body, test.code, test.want)
		}
	}
}
