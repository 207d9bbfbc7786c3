package probes

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Executor runs a command in a container. An error is a command that failed or could not be run.
type Executor interface {
	ExecSync(ctx context.Context, id string, cmd []string, timeout time.Duration) (stdout, stderr []byte, err error)
}

// Network asks containers for real: by commands in them, and over the network.
type Network struct {
	executor Executor
	client   *http.Client
}

var _ Prober = (*Network)(nil)

// userAgent is what containers see of a probe; upstream's, since they may tell by it.
const userAgent = "kube-probe/1.37"

// maxBody is how much of an answer or of a command's output is shown.
const maxBody = 10 << 10

// NewNetwork returns a prober that runs commands by executor.
func NewNetwork(executor Executor) *Network {
	transport := &http.Transport{
		// A probe's certificate is not verified: a container may have any, and no secret is sent.
		TLSClientConfig:    &tls.Config{InsecureSkipVerify: true},
		DisableKeepAlives:  true, // a kept connection would hide a server that accepts no new ones
		DisableCompression: true,
		Proxy:              nil,
	}
	return &Network{executor: executor, client: &http.Client{Transport: transport, CheckRedirect: sameHost}}
}

// sameHost follows redirects within the container only; one that leads elsewhere is an answer, and a good one.
func sameHost(request *http.Request, via []*http.Request) error {
	if request.URL.Hostname() != via[0].URL.Hostname() {
		return http.ErrUseLastResponse
	}
	if len(via) >= 10 {
		return errors.New("stopped after 10 redirects")
	}
	return nil
}

// Probe implements Prober.
func (n *Network) Probe(ctx context.Context, target Target, probe *corev1.Probe) error {
	switch {
	case probe.Exec != nil:
		return n.exec(ctx, target.ID, probe.Exec.Command, timeout(probe))
	case probe.HTTPGet != nil:
		return n.get(ctx, probe.HTTPGet, target.Container, target.IP)
	case probe.TCPSocket != nil:
		return dial(ctx, probe.TCPSocket, target)
	case probe.GRPC != nil:
		return health(ctx, probe.GRPC, target)
	default:
		return errors.New("missing probe handler")
	}
}

func (n *Network) exec(ctx context.Context, id string, command []string, limit time.Duration) error {
	stdout, stderr, err := n.executor.ExecSync(ctx, id, command, limit)
	if err == nil {
		return nil
	}
	if ctx.Err() != nil || strings.Contains(err.Error(), "DeadlineExceeded") {
		return fmt.Errorf("command timed out: %q timed out after %s", strings.Join(command, " "), limit)
	}
	if output := string(stdout) + string(stderr); output != "" {
		return errors.New(output[:min(len(output), maxBody)])
	}
	return err
}

// get asks by HTTP; an answer from 200 to 399 is good.
func (n *Network) get(ctx context.Context, action *corev1.HTTPGetAction, spec *corev1.Container, ip string) error {
	request, err := Request(ctx, action, spec, ip)
	if err != nil {
		return err
	}
	response, err := n.client.Do(request)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("Get %q: context deadline exceeded (Client.Timeout exceeded while awaiting headers)", request.URL) //nolint:staticcheck // the kubelet's words
		}
		return err
	}
	defer func() { _ = response.Body.Close() }() // the answer is known
	if _, err := io.Copy(io.Discard, io.LimitReader(response.Body, maxBody)); err != nil {
		return err
	}
	if response.StatusCode < http.StatusOK || response.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("HTTP probe failed with statuscode: %d", response.StatusCode)
	}
	return nil
}

// Request is the HTTP request of a probe or a lifecycle hook.
func Request(ctx context.Context, action *corev1.HTTPGetAction, spec *corev1.Container, ip string) (*http.Request, error) {
	port, err := portOf(action.Port, spec)
	if err != nil {
		return nil, err
	}
	host, err := hostOf(action.Host, ip)
	if err != nil {
		return nil, err
	}
	target, err := url.Parse(action.Path)
	if err != nil {
		target = &url.URL{Path: action.Path}
	}
	target.Scheme = strings.ToLower(string(action.Scheme))
	if target.Scheme == "" {
		target.Scheme = "http"
	}
	target.Host = net.JoinHostPort(host, strconv.Itoa(port))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", userAgent)
	request.Header.Set("Accept", "*/*")
	for _, header := range action.HTTPHeaders {
		if strings.EqualFold(header.Name, "Host") {
			request.Host = header.Value
			continue
		}
		request.Header.Add(header.Name, header.Value)
	}
	return request, nil
}

// hostOf is whom to ask: the host that is named, or else the pod. A pod without an address is not asked at all: an empty one would
// stand for this machine.
func hostOf(named, ip string) (string, error) {
	switch {
	case named != "":
		return named, nil
	case ip == "":
		return "", errors.New("the pod has no address")
	}
	return ip, nil
}

func portOf(port intstr.IntOrString, spec *corev1.Container) (int, error) {
	number := port.IntValue()
	if port.Type == intstr.String && spec != nil {
		for _, named := range spec.Ports {
			if named.Name == port.StrVal {
				number = int(named.ContainerPort)
			}
		}
	}
	if number <= 0 || number > 65535 {
		return 0, fmt.Errorf("invalid port number: %v", port.String())
	}
	return number, nil
}

func dial(ctx context.Context, action *corev1.TCPSocketAction, target Target) error {
	port, err := portOf(action.Port, target.Container)
	if err != nil {
		return err
	}
	host, err := hostOf(action.Host, target.IP)
	if err != nil {
		return err
	}
	connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return err
	}
	// The probe has its answer; how the connection ends is nothing to the container.
	_ = connection.Close()
	return nil
}

func health(ctx context.Context, action *corev1.GRPCAction, target Target) (err error) {
	host, err := hostOf("", target.IP)
	if err != nil {
		return err
	}
	transport := insecure.NewCredentials()
	if action.Mode != nil && *action.Mode == corev1.GRPCProbeModeTLS {
		transport = credentials.NewTLS(&tls.Config{InsecureSkipVerify: true}) // as those of HTTPS are not
	}
	connection, err := grpc.NewClient("passthrough:///"+net.JoinHostPort(host, strconv.Itoa(int(action.Port))),
		grpc.WithTransportCredentials(transport), grpc.WithUserAgent(userAgent))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, connection.Close()) }()
	service := ""
	if action.Service != nil {
		service = *action.Service
	}
	response, err := healthpb.NewHealthClient(connection).Check(ctx, &healthpb.HealthCheckRequest{Service: service})
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("timeout: failed to connect service %q within the probe's timeout: %w", connection.Target(), ctx.Err())
	case err != nil:
		return err
	case response.Status != healthpb.HealthCheckResponse_SERVING:
		return fmt.Errorf("service unhealthy (responded with %q)", response.Status)
	}
	return nil
}
