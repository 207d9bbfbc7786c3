package memberjoin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/orrery-dev/orrery/apiserver/etcd/members"
	"k8s.io/apiserver/pkg/endpoints/request"
	bootstrapapi "k8s.io/cluster-bootstrap/token/api"
)

// Host is a member that lets others in. It answers at [Path], to whom the API server lets through.
type Host struct {
	// Version is that of the program.
	Version string
	// Etcd reaches the etcd of the control plane.
	Etcd members.Etcd
	// Spend makes a token, which is named by its id, useless for anybody. One that is gone already is an error.
	Spend func(ctx context.Context, token string) error
	// Keys are what a member is given but for the names of the others.
	Keys func() (Grant, error)

	joining sync.Mutex // so that one is let in after another
}

const (
	// dialPatience is how long a machine may take to answer at a port.
	dialPatience = 5 * time.Second
	// requestLimit is how long a request may be, in bytes.
	requestLimit = 1 << 16
)

// refusal is an error that changes nothing, with the status by which it is told.
type refusal struct {
	status int
	error
}

func refuse(status int, format string, values ...any) error {
	return refusal{status, fmt.Errorf(format, values...)}
}

// ServeHTTP implements http.Handler.
func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var (
		answer any
		err    error
	)
	switch r.Method {
	case http.MethodGet:
		answer, err = h.known(r.Context())
	case http.MethodPost:
		answer, err = h.join(r)
	default:
		err = refuse(http.StatusMethodNotAllowed, "%s is not answered here: want GET or POST", r.Method)
	}
	if err != nil {
		status := http.StatusInternalServerError
		var refused refusal
		if errors.As(err, &refused) {
			status = refused.status
		}
		http.Error(w, err.Error(), status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(answer) // a client that has gone away needs no answer
}

// known are the members that there are.
func (h *Host) known(ctx context.Context) (Known, error) {
	world, err := members.Look(ctx, h.Etcd)
	if err != nil {
		return Known{}, err
	}
	k := Known{Version: h.Version, Members: map[string]string{}}
	for _, m := range world.Members {
		k.Members[m.String()] = m.PeerURL
	}
	return k, nil
}

// join lets a machine in. Until the token has been spent nothing has changed.
func (h *Host) join(r *http.Request) (sealed, error) {
	token, err := tokenOf(r.Context())
	if err != nil {
		return sealed{}, err
	}
	var asked Request
	if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, requestLimit)).Decode(&asked); err != nil {
		return sealed{}, refuse(http.StatusBadRequest, "reading the request to join: %v", err)
	}
	h.joining.Lock()
	defer h.joining.Unlock()
	ctx := r.Context()
	world, err := members.Look(ctx, h.Etcd)
	if err != nil {
		return sealed{}, err
	}
	if err := h.check(ctx, world, asked); err != nil {
		return sealed{}, err
	}
	grant, err := h.Keys()
	if err != nil {
		return sealed{}, err
	}
	if err := h.Spend(ctx, token); err != nil {
		return sealed{}, err
	}
	if grant.Cluster, err = members.Add(ctx, h.Etcd, world, asked.Name, asked.peerURL()); err != nil {
		return sealed{}, fmt.Errorf("%w: the token is spent; make another and try again", err)
	}
	return seal(grant, asked.Key)
}

// check says why a machine cannot become a member.
func (h *Host) check(ctx context.Context, world members.World, asked Request) error {
	if asked.Version != h.Version {
		return refuse(http.StatusConflict, "the machine runs version %s, and the members %s: install the same there", asked.Version, h.Version)
	}
	if _, err := kem().NewPublicKey(asked.Key); err != nil || asked.Name == "" || !asked.Peer.IsValid() {
		return refuse(http.StatusBadRequest, "the request to join lacks a name, an address or a key")
	}
	if err := world.CheckJoin(asked.Name, asked.peerURL()); err != nil {
		return refusal{http.StatusConflict, err}
	}
	if err := reaches(ctx, asked.Peer.String()); err != nil {
		return refuse(http.StatusFailedDependency, "the members do not reach the machine at %s (%v): is the port open, in each firewall between them?", asked.Peer, err)
	}
	return nil
}

// reaches finds out whether somebody listens at an address.
func reaches(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, dialPatience)
	defer cancel()
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("no answer within %s", dialPatience)
		}
		return err
	}
	return connection.Close()
}

// tokenOf is the id of the bootstrap token by which somebody was let in.
func tokenOf(ctx context.Context) (string, error) {
	who, ok := request.UserFrom(ctx)
	if !ok {
		return "", refuse(http.StatusUnauthorized, "nobody is known to have asked")
	}
	id, ok := strings.CutPrefix(who.GetName(), bootstrapapi.BootstrapUserPrefix)
	if !ok {
		return "", refuse(http.StatusForbidden, "%s has shown no token: 'orrery token create --control-plane --print-join-command' makes one", who.GetName())
	}
	return id, nil
}
