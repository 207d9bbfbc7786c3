package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/etcd/members"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/memberjoin"
	"github.com/orrery-dev/orrery/internal/cli/plane"
	"github.com/orrery-dev/orrery/internal/version"
	"github.com/orrery-dev/orrery/internal/wiring"
	clientv3 "go.etcd.io/etcd/client/v3"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	bootstraputil "k8s.io/cluster-bootstrap/token/util"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// membership looks after who else is a member of the control plane, and lets others in.
type membership struct {
	*controlPlane
	client atomic.Pointer[clientv3.Client] // while the component runs
	host   atomic.Pointer[memberjoin.Host] // likewise
}

// settleMember finds out as whom the control plane is a member.
func (p *controlPlane) settleMember(ctx context.Context) (err error) {
	p.member, err = p.peering(ctx)
	p.membership = &membership{controlPlane: p}
	return err
}

// ServeHTTP answers machines that want to become members, at the API server.
func (m *membership) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host := m.host.Load()
	if host == nil {
		http.Error(w, "this member is just starting or ending: try again", http.StatusServiceUnavailable)
		return
	}
	host.ServeHTTP(w, r)
}

// memberComponents is the component that looks after members; none, where there can be none.
func (p *controlPlane) memberComponents() []plane.Component {
	if p.member == nil {
		return nil
	}
	return []plane.Component{{Name: membersComponent, Needs: []string{apiserverComponent}, Run: p.membership.run, Look: p.membership.look}}
}

func (m *membership) run(ctx context.Context, ready func(string)) error {
	client, err := m.server.MembersClient()
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }() // whatever it says, nobody uses it any more
	defer m.reachedBy(client)()
	m.host.Store(&memberjoin.Host{Version: version.Get().Version, Etcd: client, Spend: m.spend, Keys: m.keys})
	defer m.host.Store(nil)
	e := engine.New(members.New(client, m.server.PeerURL()), engine.Options[engine.One]{Name: membersComponent, Registerer: metrics.Registry, Log: logger().WithName(membersComponent)})
	inspected.of(membersComponent)(engine.Inspect(e, engine.ParseOne))
	e.Wake(engine.One{})
	ready(m.member.Name + " at " + m.member.Address.String())
	e.Run(ctx)
	return nil
}

// spend deletes a token, so that nobody is let in by it a second time.
// reachedBy makes the members ones that can be asked for, by a client of etcd, until what it returns is called.
func (m *membership) reachedBy(client *clientv3.Client) (ended func()) {
	m.client.Store(client)
	inspected.members.Store(m)
	return func() {
		inspected.members.Store(nil)
		m.client.Store(nil)
	}
}

func (m *membership) spend(ctx context.Context, id string) error {
	config, err := m.server.Config(identity.Admin)
	if err != nil {
		return err
	}
	api, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	secrets, name := api.CoreV1().Secrets(metav1.NamespaceSystem), bootstraputil.BootstrapTokenSecretName(id)
	token, err := secrets.Get(ctx, name, metav1.GetOptions{})
	if err == nil {
		err = secrets.Delete(ctx, name, *metav1.NewPreconditionDeleteOptions(string(token.UID)))
	}
	switch {
	case apierrors.IsNotFound(err), apierrors.IsConflict(err):
		return fmt.Errorf("the token %s.… has been used by another machine: make one for each", id)
	case err != nil:
		return fmt.Errorf("spending the token %s.…: %w", id, err)
	}
	return m.several()
}

// several remembers that the instance is not on its own any more.
func (m *membership) several() error {
	settings, err := m.inst.Settings()
	if err != nil || settings.Member == nil || settings.Member.Several {
		return err
	}
	now := *settings.Member
	now.Several = true
	return m.inst.SettleMember(now)
}

// keys are what a new member is given.
func (m *membership) keys() (memberjoin.Grant, error) {
	grant := memberjoin.Grant{Files: map[string][]byte{}, Addresses: m.settings.Addresses, Domain: m.settings.Domain}
	for _, key := range apiserver.MemberKeys() {
		path := filepath.Join(serverDir(m.inst), filepath.FromSlash(key))
		if path == apiserver.EncryptionFile(serverDir(m.inst)) {
			path = m.server.EncryptionConfig() // which may be one of a person's
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return grant, fmt.Errorf("reading the keys of the control plane: %w", err)
		}
		grant.Files[key] = content
	}
	return grant, nil
}

// memberLookPatience is how long the members may take to say how they are.
const memberLookPatience = 3 * time.Second

// world is how the members are.
func (m *membership) world(ctx context.Context) (members.World, error) {
	client := m.client.Load()
	if client == nil {
		return members.World{}, errors.New("this member is just starting or ending: try again")
	}
	ctx, cancel := context.WithTimeout(ctx, memberLookPatience)
	defer cancel()
	return members.Look(ctx, client)
}

// told is what is said of the members.
func (m *membership) told(ctx context.Context) (toldMembers, error) {
	world, err := m.world(ctx)
	if err != nil {
		return toldMembers{}, err
	}
	return listMembers(world, m.member != nil), nil
}

// look tells how the members are, and what a person has to do something about.
func (m *membership) look(shown *instance.Component) {
	if m.client.Load() == nil {
		return
	}
	world, err := m.world(context.Background())
	if err == nil {
		shown.Detail = world.String()
		err = world.Problem()
	}
	if err != nil {
		shown.LastError = err.Error()
	}
}

// remove removes a member that can be.
func (m *membership) remove(ctx context.Context, name string) error {
	world, err := m.world(ctx)
	if err != nil {
		return err
	}
	member, err := world.Named(name)
	if err == nil {
		err = world.CheckRemoval(member)
	}
	if err != nil {
		return err
	}
	return members.Remove(ctx, m.client.Load(), member)
}

// election is how the members agree on which of them runs something; nil where there is nobody to agree with.
func (p *controlPlane) election(lease string) *wiring.Election {
	if p.member == nil {
		return nil
	}
	return wiring.MemberElection(lease, p.member.Name)
}

// elected is a part that runs on one member at a time.
func (p *controlPlane) elected(c wiring.Cluster, lease string, made func() (wiring.Part, error)) (wiring.Part, error) {
	if e := p.election(lease); e != nil {
		return wiring.NewElected(c, e, made)
	}
	return made()
}
