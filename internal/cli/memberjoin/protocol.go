package memberjoin

import (
	"crypto/ecdh"
	"crypto/hpke"
	"encoding/json"
	"fmt"
	"net/netip"

	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/internal/cli/instance"
)

// Path is where the API server of each member is asked.
const Path = identity.MemberPath

// Known are the members that there are.
type Known struct {
	// Version is that of the member that answers.
	Version string `json:"version"`
	// Members are the URLs for peers by the members' names.
	Members map[string]string `json:"members"`
}

// Request is what a machine says that wants to become a member.
type Request struct {
	// Name is what the member is to be called, and Peer where the others are to reach it.
	Name string         `json:"name"`
	Peer netip.AddrPort `json:"peer"`
	// Version is that of its program.
	Version string `json:"version"`
	// Key is the public key to which the answer is to be sealed.
	Key []byte `json:"key"`
}

// peerURL is the URL of the member to be.
func (r Request) peerURL() string { return "https://" + r.Peer.String() }

// Grant is what a new member is given.
type Grant struct {
	// Files are the keys that all members have in common, by their paths in the API server's directory, with slashes.
	Files map[string][]byte `json:"files"`
	// Addresses and Domain are those of the cluster.
	Addresses instance.Addresses `json:"addresses"`
	Domain    string             `json:"domain,omitempty"`
	// Cluster are the URLs for peers of all members by their names, the new one among them.
	Cluster map[string]string `json:"cluster"`
}

// sealed is a Grant on its way.
type sealed struct {
	Sealed []byte `json:"sealed"`
}

// purpose keeps what is sealed here from being taken for something else.
const purpose = "orrery control plane member v1"

// kem is how the key of the seal is agreed on.
func kem() hpke.KEM { return hpke.DHKEM(ecdh.X25519()) }

// seal makes a grant readable by nobody but who has the key to a public one.
func seal(g Grant, to []byte) (sealed, error) {
	key, err := kem().NewPublicKey(to)
	if err != nil {
		return sealed{}, fmt.Errorf("reading the key to seal to: %w", err)
	}
	plain, err := json.Marshal(g)
	if err != nil {
		return sealed{}, fmt.Errorf("encoding what a member is given: %w", err)
	}
	closed, err := hpke.Seal(key, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), []byte(purpose), plain)
	if err != nil {
		return sealed{}, fmt.Errorf("sealing what a member is given: %w", err)
	}
	return sealed{closed}, nil
}

// open is the reverse of seal.
func (s sealed) open(key hpke.PrivateKey) (Grant, error) {
	var g Grant
	plain, err := hpke.Open(key, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), []byte(purpose), s.Sealed)
	if err == nil {
		err = json.Unmarshal(plain, &g)
	}
	if err != nil {
		return Grant{}, fmt.Errorf("opening what the cluster has sealed to this machine: %w", err)
	}
	return g, nil
}
