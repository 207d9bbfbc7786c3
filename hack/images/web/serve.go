package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// grace is how long requests under way may take after SIGTERM; it is below a pod's default of 30 seconds.
const grace = 20 * time.Second

// serve answers HTTP until SIGTERM, and then finishes the requests under way.
func serve([]string) error {
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()

	listener, err := net.Listen("tcp", ":"+port)
	if err != nil {
		return err
	}
	log.SetFlags(log.LstdFlags | log.LUTC)
	log.SetOutput(os.Stdout)
	log.Printf("listening on %s", listener.Addr())

	server := &http.Server{Handler: logged(handler()), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	log.Printf("stopping: finishing the requests under way")
	ending, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if err := server.Shutdown(ending); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	log.Printf("stopped")
	return nil
}

// handler holds the pages.
func handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", greet)
	mux.HandleFunc("/env", func(w http.ResponseWriter, _ *http.Request) { writeEnv(w) })
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("/slow", slow)
	return mux
}

// greet says who answered whom.
func greet(w http.ResponseWriter, r *http.Request) {
	host, _ := os.Hostname()
	fmt.Fprintf(w, "Hello from %s\n\n%s %s %s\nHost: %s\nFrom: %s\n", host, r.Method, r.URL, r.Proto, r.Host, r.RemoteAddr)
	fmt.Fprintf(w, "Addresses: %s\n", strings.Join(globalAddresses(), " "))
}

// slow answers after ?for=DURATION (5s), to watch a graceful end.
func slow(w http.ResponseWriter, r *http.Request) {
	wait, err := time.ParseDuration(r.FormValue("for"))
	if err != nil {
		wait = 5 * time.Second
	}
	select {
	case <-time.After(wait):
		fmt.Fprintln(w, "done")
	case <-r.Context().Done():
	}
}

// writeEnv prints the environment in order.
func writeEnv(w io.Writer) {
	vars := os.Environ()
	slices.Sort(vars)
	for _, v := range vars {
		fmt.Fprintln(w, v)
	}
}

// statusWriter remembers what was answered.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// logged writes one line for each request.
func logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		sw := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(sw, r)
		log.Printf("%s %s %d %s from %s", r.Method, r.URL.Path, sw.status, time.Since(started).Round(time.Microsecond), r.RemoteAddr)
	})
}
