package instance

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
)

// Member is as whom an instance is a member of a control plane, and where the others reach it.
type Member struct {
	// Name is what the others call it.
	Name string `json:"name"`
	// Address is where they reach it, and PeerPort and ClientPort those of its etcd there.
	Address    netip.Addr `json:"address"`
	PeerPort   uint16     `json:"peerPort"`
	ClientPort uint16     `json:"clientPort"`
	// Several says that there have been others: it does not go back to being on its own by itself.
	Several bool `json:"several,omitempty"`
	// Joined says that it has joined others, and so is no node.
	Joined bool `json:"joined,omitempty"`
	// Cluster are the URLs for peers of all members by their names when it joined. They count until it has started for the first time.
	Cluster map[string]string `json:"cluster,omitempty"`
}

// SettleMember remembers as whom the instance is a member. The settings must be settled.
func (i *Instance) SettleMember(m Member) error {
	s, err := i.Settings()
	if err != nil {
		return err
	}
	s.Member = &m
	return i.save(s)
}

// JoinAs makes the instance, which was never started, a member of a control plane with addresses and a domain, from keys that were
// written into a directory beside its own. A machine that dies meanwhile has an instance that is refused.
func (i *Instance) JoinAs(m Member, a Addresses, domain, keys string) error {
	if err := os.Rename(keys, i.Path("apiserver")); err != nil {
		return fmt.Errorf("putting the keys of the control plane in their place: %w", err)
	}
	return i.save(Settings{Addresses: a, Domain: domain, Member: &m})
}

// MembersPath is where a running instance tells the members of its control plane, and removes the one of the query's name when it is sent a
// DELETE. It answers with JSON, or with a sentence and another status than 200.
const MembersPath = "/members"

// Members reads into told what the running instance says of the members of its control plane.
func (i *Instance) Members(ctx context.Context, told any) error {
	return i.tell(ctx, MembersPath, told)
}

// RemoveMember has the running instance remove a member.
func (i *Instance) RemoveMember(ctx context.Context, name string) error {
	response, err := i.ask(ctx, http.MethodDelete, MembersPath+"?"+url.Values{"name": {name}}.Encode(), thinkPatience) //nolint:bodyclose // read does
	if err != nil {
		return err
	}
	var nothing json.RawMessage
	return i.read(response, &nothing)
}
