package memberjoin

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/internal/cli/nodebootstrap"
)

// Guest is a machine that wants to become a member.
type Guest struct {
	// Server is where the API server of a member is reached, as HOST or HOST:PORT. Token is what it shows there.
	Server, Token string
	// CA are the certificates of the authority that has to have signed the server's, in PEM.
	CA []byte
	// Name is what the member is to be called, and Peer where the others are to reach it; somebody has to listen there.
	Name string
	Peer netip.AddrPort
	// Version is that of the program.
	Version string
}

// patience is how long a member may take for one answer.
const patience = 30 * time.Second

// answerLimit is how long an answer may be, in bytes.
const answerLimit = 4 << 20

// Join asks to become a member. When it returns without an error, the machine is one that has not started yet.
func (g Guest) Join(ctx context.Context) (Grant, error) {
	var known Known
	if err := g.ask(ctx, http.MethodGet, nil, &known); err != nil {
		return Grant{}, err
	}
	for _, name := range slices.Sorted(maps.Keys(known.Members)) {
		address := strings.TrimPrefix(known.Members[name], "https://")
		if err := reaches(ctx, address); err != nil {
			return Grant{}, fmt.Errorf("this machine does not reach member %s at %s (%w): is the port open, in each firewall between them? Nothing was changed", name, address, err)
		}
	}
	key, err := kem().GenerateKey()
	if err != nil {
		return Grant{}, fmt.Errorf("drawing a key: %w", err)
	}
	var closed sealed
	if err := g.ask(ctx, http.MethodPost, Request{Name: g.Name, Peer: g.Peer, Version: g.Version, Key: key.PublicKey().Bytes()}, &closed); err != nil {
		return Grant{}, err
	}
	return closed.open(key)
}

// ask asks the member, over a connection that the authority vouches for.
func (g Guest) ask(ctx context.Context, method string, body, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	encoded, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encoding a request to join: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, method, "https://"+nodebootstrap.HostPort(g.Server)+Path, bytes.NewReader(encoded))
	if err != nil {
		return fmt.Errorf("asking %s: %w", g.Server, err)
	}
	request.Header.Set("Authorization", "Bearer "+g.Token)
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(g.CA)
	client := http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: trusted}, DisableKeepAlives: true,
	}}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("asking the control plane at %s to become a member: %w", g.Server, err)
	}
	defer func() { _ = response.Body.Close() }() // it is only read
	said, err := io.ReadAll(io.LimitReader(response.Body, answerLimit))
	if err != nil {
		return fmt.Errorf("reading the answer of the control plane at %s: %w", g.Server, err)
	}
	if response.StatusCode != http.StatusOK {
		return g.refused(response.StatusCode, strings.TrimSpace(string(said)))
	}
	if err := json.Unmarshal(said, answer); err != nil {
		return fmt.Errorf("reading the answer of the control plane at %s: %w", g.Server, err)
	}
	return nil
}

// refused is why the control plane does not let the machine in.
func (g Guest) refused(status int, said string) error {
	id, _, _ := strings.Cut(g.Token, ".")
	byStatus := strings.HasPrefix(said, "{") // of the API server, and no sentence of a member
	switch {
	case status == http.StatusUnauthorized:
		return fmt.Errorf("the control plane at %s lets nobody in by the token %s.…: it has been used, has expired, or never was one of its; make another with 'orrery token create --control-plane --print-join-command' there", g.Server, id)
	case status == http.StatusForbidden && byStatus:
		return fmt.Errorf("the token %s.… makes no members of the control plane at %s, but nodes: make another with 'orrery token create --control-plane --print-join-command' there", id, g.Server)
	case status == http.StatusNotFound:
		return fmt.Errorf("the control plane at %s takes no members: it stores its state in an etcd of somebody's, or others do not reach it; start it with --bind-address", g.Server)
	default:
		return fmt.Errorf("the control plane at %s does not take this machine as a member: %w", g.Server, errors.New(said))
	}
}
