package cli

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
)

// spanCollector collects the spans that it is sent, each as "service: span".
type spanCollector struct {
	collector.UnimplementedTraceServiceServer
	mu    sync.Mutex
	spans []string
}

func (c *spanCollector) Export(_ context.Context, r *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, from := range r.ResourceSpans {
		service := ""
		for _, attribute := range from.Resource.Attributes {
			if attribute.Key == "service.name" {
				service = attribute.Value.GetStringValue()
			}
		}
		for _, scope := range from.ScopeSpans {
			for _, span := range scope.Spans {
				c.spans = append(c.spans, service+": "+span.Name)
			}
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

func TestSpansReachTheCollectorBeforeTheProcessEnds(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var spans spanCollector
	server := grpc.NewServer()
	collector.RegisterTraceServiceServer(server, &spans)
	go func() { _ = server.Serve(listener) }() // until it is stopped
	defer server.Stop()

	t.Setenv(tracesEndpoint, "http://"+listener.Addr().String())
	ctx, interrupt := context.WithCancel(t.Context())
	err = traced(ctx, func() error {
		_, span := otel.Tracer("test").Start(ctx, "pass")
		span.End()
		interrupt()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"orrery: pass"}, spans.spans); diff != "" {
		t.Errorf("spans that arrived differ (-want +got):\n%s", diff)
	}
}

func TestAnEndpointThatIsNoURLIsRefused(t *testing.T) {
	t.Setenv(tracesEndpoint, "localhost:4317")
	err := traced(t.Context(), func() error {
		t.Error("runs although its spans have nowhere to go")
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "http://127.0.0.1:4317") {
		t.Errorf("got %v, want an error with an example", err)
	}
}
