package cli

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/orrery-dev/orrery/internal/version"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// tracesEndpoint is where spans go, as a URL, by OpenTelemetry's own name for it. Its other variables (for certificates,
// headers, sampling, the name of the service) count as well.
const tracesEndpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"

// flushPatience is how long the last spans may take to be sent.
const flushPatience = 5 * time.Second

// traced runs something whose spans go to the collector at tracesEndpoint by OTLP over gRPC, and sends the last of them
// when it ends. Without an endpoint there are no spans. A collector that is away is no error: its spans are lost, and the
// log says so.
func traced(ctx context.Context, run func() error) error {
	endpoint := os.Getenv(tracesEndpoint)
	if endpoint == "" {
		return run()
	}
	if at, err := url.Parse(endpoint); err != nil || at.Host == "" {
		return fmt.Errorf("%s=%s: want the URL of a collector, as in http://127.0.0.1:4317", tracesEndpoint, endpoint)
	}
	provider, err := newTracerProvider(ctx)
	if err != nil {
		return fmt.Errorf("tracing to %s: %w", endpoint, err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { logger().Error(err, "Spans were not sent") }))
	otel.SetTracerProvider(provider)
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushPatience)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			logger().Error(err, "The last spans were not sent")
		}
	}()
	return run()
}

func newTracerProvider(ctx context.Context) (*sdktrace.TracerProvider, error) {
	about, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithAttributes(
			attribute.String("service.name", "orrery"),
			attribute.String("service.version", version.Get().Version),
		),
		resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("reading OpenTelemetry's variables: %w", err)
	}
	exporter, err := otlptracegrpc.New(ctx)
	if err != nil {
		return nil, err
	}
	return sdktrace.NewTracerProvider(sdktrace.WithResource(about), sdktrace.WithBatcher(exporter)), nil
}
