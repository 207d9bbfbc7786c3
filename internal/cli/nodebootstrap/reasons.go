package nodebootstrap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// unreachable says why a server does not answer, and what to do.
func (o *Options) unreachable(err error) error {
	var (
		name    *net.DNSError
		timeout net.Error
		invalid x509.CertificateInvalidError
		host    x509.HostnameError
		unknown x509.UnknownAuthorityError
		record  tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &name):
		return fmt.Errorf("--join %s: nobody knows the name %s: %w", o.Server, name.Name, err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nothing listens at %s: is that the port, and was the control plane started with --bind-address?", HostPort(o.Server))
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return fmt.Errorf("there is no way from this machine to %s: %w", HostPort(o.Server), err)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Errorf("by the clock of this machine, %s, the certificate of the API server at %s is not good: it is from %s to %s; set the clock, by NTP for instance, and join again",
			utc(o.clock()), o.Server, utc(invalid.Cert.NotBefore), utc(invalid.Cert.NotAfter))
	case errors.As(err, &host):
		return fmt.Errorf("the certificate of the API server does not cover %s: join by an address that it has, or start the control plane with --tls-san: %w", o.Server, err)
	case errors.As(err, &unknown):
		return fmt.Errorf("the API server at %s shows a certificate of another authority than that which was given for its cluster: it is another cluster, or somebody is between; nothing was sent to it", o.Server)
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return o.noServer()
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("%s does not answer within %s: is the port open, in each firewall between here and there?", HostPort(o.Server), o.wait())
	default:
		return fmt.Errorf("reaching the API server at %s: %w", o.Server, err)
	}
}

func (o *Options) noServer() error {
	return fmt.Errorf("what answers at %s is no API server of Kubernetes: is that the port?", HostPort(o.Server))
}

func utc(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// notLetIn says why who shows the token may not do something.
func (o *Options) notLetIn(doing string, err error) error {
	id, _, _ := strings.Cut(o.Token, ".")
	switch {
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("the cluster at %s lets nobody in by the token %s.…: it has expired meanwhile, or is not for authentication (--usages); make another with 'orrery token create --print-join-command' there", o.Server, id)
	case apierrors.IsForbidden(err):
		return fmt.Errorf("%s: who has the token %s.… may not: was it made with other --groups? (%w)", doing, id, err)
	case errors.Is(err, context.DeadlineExceeded):
		return o.unreachable(err)
	default:
		return fmt.Errorf("%s: %w", doing, err)
	}
}
