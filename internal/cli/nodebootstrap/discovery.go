package nodebootstrap

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/internal/cli/clusterinfo"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	bootstrapapi "k8s.io/cluster-bootstrap/token/api"
	"k8s.io/cluster-bootstrap/token/jws"
)

// clockSkew is how far the clock of this machine may be from the server's: certificates begin so long before they are signed.
const clockSkew = 5 * time.Minute

// infoPath is where everybody can read cluster-info.
const infoPath = "/api/v1/namespaces/" + metav1.NamespacePublic + "/configmaps/" + identity.ClusterInfo

// infoLimit bounds what is read from a server that nobody vouches for yet.
const infoLimit = 1 << 20

// Discover finds out the authority of the cluster, in PEM, and that it is one of those that were named.
func Discover(ctx context.Context, o Options) (ca []byte, err error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	return o.discover(ctx)
}

// discover finds out the authority of the cluster.
func (o *Options) discover(ctx context.Context) (ca []byte, err error) {
	// Where no certificates were given, nobody vouches for the server yet: it is told nothing, and not believed.
	first, err := o.readInfo(ctx, o.CA)
	if err != nil {
		return nil, err
	}
	info, err := clusterinfo.Of(first)
	if err != nil {
		return nil, err
	}
	if err := o.checkAuthority(info.CA); err != nil {
		return nil, err
	}
	if err := o.checkSignature(first); err != nil {
		return nil, err
	}
	again, err := o.readInfo(ctx, info.CA)
	if err != nil {
		return nil, err
	}
	if first.Data[bootstrapapi.KubeConfigKey] != again.Data[bootstrapapi.KubeConfigKey] {
		return nil, fmt.Errorf("the API server at %s said two different things about its cluster: if it was being started, try again; otherwise somebody is between", o.Server)
	}
	return info.CA, nil
}

// checkAuthority holds the authority that the cluster says it has to those that were named.
func (o *Options) checkAuthority(ca []byte) error {
	if len(o.Pins) == 0 {
		return nil // the connection was vouched for by the certificates that were given
	}
	pinned, err := clusterinfo.Pinned(ca, o.Pins)
	if err != nil || pinned {
		return err
	}
	has, err := clusterinfo.Pins(ca)
	if err != nil {
		return err
	}
	return fmt.Errorf("the authority of the cluster at %s has the hash %s, which --ca-hash does not name: it is another cluster, or somebody is between; nothing was sent to it",
		o.Server, strings.Join(has, " and "))
}

// checkSignature holds what was read to what is signed with the token.
func (o *Options) checkSignature(published *corev1.ConfigMap) error {
	id, secret, _ := strings.Cut(o.Token, ".")
	signature, signed := published.Data[bootstrapapi.JWSSignatureKeyPrefix+id]
	switch {
	case !signed:
		return fmt.Errorf("the cluster at %s knows no token %s.… that signs: it has expired, was deleted, or never was one of this cluster's; make another with '%s' there",
			o.Server, id, o.makesToken())
	case !jws.DetachedTokenIsValid(signature, published.Data[bootstrapapi.KubeConfigKey], id, secret):
		return fmt.Errorf("what the cluster at %s says of itself is not signed with the token %s.…: the part after the full stop is wrong, or somebody is between", o.Server, id)
	default:
		return nil
	}
}

// readInfo reads cluster-info from a server that certificates vouch for; nobody does, if there are none.
func (o *Options) readInfo(ctx context.Context, ca []byte) (*corev1.ConfigMap, error) {
	ctx, cancel := context.WithTimeout(ctx, o.wait())
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, o.url()+infoPath, nil)
	if err != nil {
		return nil, fmt.Errorf("reading cluster-info from %s: %w", o.Server, err)
	}
	request.Header.Set("Accept", "application/json")
	transport := &http.Transport{TLSClientConfig: o.trust(ca), DisableKeepAlives: true}
	answer, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return nil, o.unreachable(err)
	}
	defer func() { _ = answer.Body.Close() }() // it is only read
	if err := o.checkClock(answer.Header.Get("Date")); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, infoLimit))
	if err != nil {
		return nil, o.unreachable(err)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, o.refused(answer.StatusCode, body)
	}
	var published corev1.ConfigMap
	if err := json.Unmarshal(body, &published); err != nil {
		return nil, o.noServer()
	}
	return &published, nil
}

// trust is whom a connection trusts.
func (o *Options) trust(ca []byte) *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12, Time: o.clock}
	if len(ca) == 0 {
		config.InsecureSkipVerify = true // what is read is held to the authority's hash and to the token, and then read again
		return config
	}
	config.RootCAs = x509.NewCertPool()
	config.RootCAs.AppendCertsFromPEM(ca)
	return config
}

// checkClock holds the clock of this machine to the server's.
func (o *Options) checkClock(date string) error {
	theirs, err := http.ParseTime(date)
	if err != nil {
		return nil //nolint:nilerr // it does not say
	}
	switch ahead := o.clock().Sub(theirs); {
	case ahead > clockSkew:
		return fmt.Errorf("the clock of this machine is %s ahead of that of the API server at %s: set it, by NTP for instance, and join again", ahead.Round(time.Second), o.Server)
	case ahead < -clockSkew:
		return fmt.Errorf("the clock of this machine is %s behind that of the API server at %s: set it, by NTP for instance, and join again", -ahead.Round(time.Second), o.Server)
	default:
		return nil
	}
}

// refused is why a server does not show cluster-info.
func (o *Options) refused(code int, body []byte) error {
	if !bytes.Contains(body, []byte(`"kind":"Status"`)) && !bytes.Contains(body, []byte(`"kind": "Status"`)) {
		return o.noServer()
	}
	switch code {
	case http.StatusUnauthorized:
		return fmt.Errorf("the API server at %s lets nobody read cluster-info without a name: it was started with --anonymous-auth=false, so that no machine can join", o.Server)
	case http.StatusForbidden, http.StatusNotFound:
		return fmt.Errorf("the cluster at %s does not let machines join: it publishes no cluster-info; start its control plane with --bind-address", o.Server)
	default:
		return fmt.Errorf("reading cluster-info from %s: the API server answered %d %s", o.Server, code, http.StatusText(code))
	}
}
