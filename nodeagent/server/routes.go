package server

import (
	"fmt"
	"net/http"
	"net/http/pprof"
	"slices"
	"strings"

	"k8s.io/apiserver/pkg/server/flagz"
	"k8s.io/apiserver/pkg/server/statusz"
	"k8s.io/apiserver/pkg/util/compatibility"
)

// component is what the server calls itself where it tells of itself; what a kubelet is called.
const component = "kubelet"

// routes are what the server answers, with the paths that /statusz names.
type routes struct {
	*http.ServeMux
	paths []string
}

// Handle adds a pattern, which may begin with a method.
func (r *routes) Handle(pattern string, handler http.Handler) {
	r.ServeMux.Handle(pattern, handler)
	path := pattern[strings.Index(pattern, "/"):]
	if parameter := strings.Index(path, "{"); parameter >= 0 {
		path = path[:parameter]
	}
	if !slices.Contains(r.paths, path) {
		r.paths = append(r.paths, path)
	}
}

func (r *routes) on(pattern string, handler http.HandlerFunc) { r.Handle(pattern, handler) }

// Handler answers requests of clients that have been let in.
func (s *Server) Handler() http.Handler {
	r := &routes{ServeMux: http.NewServeMux()}
	r.on("GET /healthz", Healthz)
	r.on("GET /pods", s.pods)
	r.on("GET /stats/summary", s.summary)
	if s.options.Metrics != nil {
		r.Handle("GET /metrics", s.options.Metrics)
	}
	r.on("GET /metrics/resource", s.resourceMetrics)
	r.on("GET "+ResourceMetricsPath("{node}"), s.resourceMetrics)
	r.on("GET /metrics/probes", s.probeMetrics)
	r.on("GET /metrics/cadvisor", s.cadvisorMetrics)
	r.on("GET /metrics/nodes/{node}/metrics/cadvisor", s.cadvisorMetrics)
	if *s.settings.EnableDebuggingHandlers {
		s.debugging(r)
	} else {
		for _, path := range []string{"/exec/", "/attach/", "/portForward/", "/containerLogs/", "/runningpods/", profiles, "/logs/"} {
			r.on(path, disabled("Debug endpoints are disabled."))
		}
	}
	if s.options.Configuration == nil {
		return r // nobody's flags and status are those of many nodes
	}
	flagz.Install(r, component, flags(s.options.Flags))
	statusz.Install(r, component, statusz.NewRegistry(compatibility.DefaultBuildEffectiveVersion(), statusz.WithListedPaths(r.paths)))
	return r
}

// debugging are the routes that a node can be without.
func (s *Server) debugging(r *routes) {
	r.on("GET /runningpods/", s.runningPods)
	r.on("GET /containerLogs/{namespace}/{pod}/{container}", s.logs)
	for _, uid := range []string{"", "/{uid}"} {
		r.on("/exec/{namespace}/{pod}"+uid+"/{container}", s.exec)
		r.on("/attach/{namespace}/{pod}"+uid+"/{container}", s.attach)
		r.on("/portForward/{namespace}/{pod}"+uid, s.portForward)
	}
	if s.options.Configuration == nil {
		return
	}
	r.on("GET /configz", s.configz)
	r.on("POST /checkpoint/{namespace}/{pod}/{container}", s.checkpoint)
	if *s.settings.EnableSystemLogHandler {
		r.Handle("GET /logs/", http.StripPrefix("/logs", http.HandlerFunc(s.systemLogs)))
	} else {
		r.on("/logs/", disabled("logs endpoint is disabled."))
	}
	if *s.settings.EnableProfilingHandler {
		profiling(r)
	} else {
		r.on(profiles, disabled("profiling endpoint is disabled."))
	}
	r.on("/debug/flags/v", disabled("flags endpoint is disabled."))
}

// profiles is the path below which the program's profiles are.
const profiles = "/debug/pprof/"

func profiling(r *routes) {
	r.on("GET "+profiles, pprof.Index)
	r.on("GET "+profiles+"profile", pprof.Profile)
	r.on("GET "+profiles+"symbol", pprof.Symbol)
	r.on("GET "+profiles+"cmdline", pprof.Cmdline)
	r.on("GET "+profiles+"trace", pprof.Trace)
}

// Healthz answers that the program runs.
func Healthz(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }

// disabled answers that somebody has turned off what is there.
func disabled(why string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusMethodNotAllowed, "%s", why) }
}

// flags implements flagz.Reader.
type flags map[string]string

func (f flags) GetFlagz() map[string]string { return f }

// configz tells the configuration that is in force.
func (s *Server) configz(w http.ResponseWriter, _ *http.Request) {
	s.answer(w, map[string]any{"kubeletconfig": s.options.Configuration})
}
